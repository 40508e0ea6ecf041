//! `fsr data check` and `fsr data info`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::survey::{Depth, Holdings, Survey, survey};
use crate::cli::{LAYOUT_HELP, OutputArgs};
use crate::dataset::{DataSet, Layout, Part};
use crate::progress::{print_json, print_text};

/// Say everything that is wrong with a data set, file by file, with the mend.
///
/// Reads every image and mask completely. Found are: folders and listed files that are missing, files that
/// are no images, damaged or empty, defective images without a mask among others that have one, masks of
/// another size than their image, masks that mark nothing or belong to no image, the same image to train on
/// and to judge, and the same image as good and as defective. The exit code is 1 when there is anything.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr data check data\n\
    \x20 fsr data check photos --layout plain --json")]
pub struct CheckArgs {
    #[command(flatten)]
    set: SetArgs,
}

/// Say what a data set holds: images by category, half and defect, masks, sizes.
///
/// Reads only the headers of the images; `fsr data check` reads them whole.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n\
    \x20 fsr data info data\n\
    \x20 fsr data info data --category bottle --json")]
pub struct InfoArgs {
    #[command(flatten)]
    set: SetArgs,
}

#[derive(Debug, Args)]
struct SetArgs {
    /// Folder of the data set.
    #[arg(value_name = "DIR")]
    root: PathBuf,
    /// Only this category; repeat it for several. Default: all.
    #[arg(long = "category", value_name = "NAME")]
    categories: Vec<String>,
    #[arg(long, value_name = "LAYOUT", value_enum, hide_possible_values = true, help = LAYOUT_HELP)]
    layout: Option<Layout>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs `fsr data check`.
///
/// # Errors
/// When anything is wrong with the data set.
pub fn check(args: &CheckArgs) -> Result<()> {
    let survey = args.set.survey(Depth::Pixels)?;
    if args.set.output.json {
        print_json(&survey)?;
    } else {
        print_text(&table(&survey))?;
        for finding in &survey.findings {
            print_text(&finding.message)?;
        }
    }
    match survey.findings.len() {
        0 => Ok(()),
        1 => bail!("1 thing is wrong with {}", survey.root.display()),
        count => bail!("{count} things are wrong with {}", survey.root.display()),
    }
}

/// Runs `fsr data info`.
///
/// # Errors
/// When the folder is no data set.
pub fn info(args: &InfoArgs) -> Result<()> {
    let survey = args.set.survey(Depth::Headers)?;
    if args.set.output.json {
        return print_json(&survey);
    }
    print_text(&table(&survey))?;
    if survey.findings.is_empty() {
        return Ok(());
    }
    print_text(&format!(
        "{} things are wrong with it; `fsr data check {}` names them",
        survey.findings.len(),
        survey.root.display()
    ))
}

impl SetArgs {
    fn survey(&self, depth: Depth) -> Result<Survey> {
        let data = DataSet::open(&self.root, self.layout)?;
        let known = data.known(None)?;
        let names = if self.categories.is_empty() {
            known
        } else {
            let (known, unknown): (Vec<_>, Vec<_>) = self
                .categories
                .iter()
                .cloned()
                .partition(|name| known.contains(name));
            if !unknown.is_empty() {
                // Its message says which there are.
                data.categories(&unknown, Part::Train)?;
            }
            known
        };
        if names.is_empty() {
            // Says what was looked for.
            data.categories(&["all".into()], Part::Train)?;
        }
        survey(&data, &names, depth)
    }
}

fn table(survey: &Survey) -> String {
    let mut lines = vec![format!(
        "{}: layout {}, {}",
        survey.root.display(),
        survey.layout,
        match survey.categories.len() {
            1 => "1 category".into(),
            count => format!("{count} categories"),
        }
    )];
    lines.extend(survey.categories.iter().map(|(name, one)| line(name, one)));
    lines.join("\n")
}

fn line(name: &str, one: &Holdings) -> String {
    let list = |counts: &std::collections::BTreeMap<String, usize>| {
        counts
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let test = if one.test.is_empty() {
        "nothing".into()
    } else {
        list(&one.test)
    };
    let masks = match (one.masks, one.without_mask) {
        (0, _) => "no masks".into(),
        (masks, 0) => format!("{masks} masks"),
        (masks, without) => format!("{masks} masks, {without} missing"),
    };
    format!(
        "{name}: train {}; test {test}; {masks}; sizes {}",
        one.train,
        list(&one.sizes)
    )
}
