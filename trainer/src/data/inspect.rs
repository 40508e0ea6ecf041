//! `fsr data check` and `fsr data info`.

use std::collections::BTreeMap;
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
    let list = |counts: &BTreeMap<String, usize>| {
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
    // Photographs cropped by hand may have as many sizes as there are.
    let sizes = match one.sizes.len() {
        0..=4 => list(&one.sizes),
        count => format!("{count} different ({})", span(&one.sizes)),
    };
    let masks = match (one.masks, one.without_mask) {
        (0, _) => "no masks".into(),
        (masks, 0) => format!("{masks} masks"),
        (masks, without) => format!("{masks} masks, {without} missing"),
    };
    format!(
        "{name}: train {}; test {test}; {masks}; sizes {sizes}",
        one.train
    )
}

/// Smallest and largest width and height of sizes such as "640×480".
fn span(sizes: &BTreeMap<String, usize>) -> String {
    let sides = sizes.keys().filter_map(|size| {
        let (width, height) = size.split_once('×')?;
        Some::<(u32, u32)>((width.parse().ok()?, height.parse().ok()?))
    });
    let (widths, heights): (Vec<u32>, Vec<u32>) = sides.unzip();
    let side = |sides: &[u32]| {
        format!(
            "{} to {}",
            sides.iter().min().unwrap_or(&0),
            sides.iter().max().unwrap_or(&0)
        )
    };
    format!("{} wide, {} high", side(&widths), side(&heights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sizes_are_given_by_their_range() {
        let sizes = |sizes: &[&str]| Holdings {
            sizes: sizes.iter().map(|size| (size.to_string(), 2)).collect(),
            ..Holdings::default()
        };
        let few = line("nut", &sizes(&["8×6", "10×6"]));
        assert!(few.ends_with("sizes 10×6 2, 8×6 2"), "{few}");
        let many = line("nut", &sizes(&["8×6", "10×6", "9×100", "7×5", "99×7"]));
        assert!(
            many.ends_with("5 different (7 to 99 wide, 5 to 100 high)"),
            "{many}"
        );
    }
}
