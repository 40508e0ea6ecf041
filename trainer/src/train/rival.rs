//! Fitting a rival method instead of training a restorer.

use anyhow::{Context, Result};
use fsr::feature_cache::FeatureSource;
use fsr::model::Fsr;
use fsr::rivals::padim::{CHANNELS, Padim};
use fsr::rivals::patchcore::{CoresetOptions, PatchCore};
use fsr::rivals::{Method, Rival};

use super::TrainArgs;
use super::resolve::Setting;
use crate::progress::say;

/// Share of patches kept where nothing else is asked for: PatchCore-10 % for a few images, else
/// PatchCore-1 %, which the paper shows to lose little.
fn default_coreset(setting: Setting) -> f64 {
    match setting {
        Setting::FewShot => 0.1,
        Setting::Separate | Setting::Unified => 0.01,
    }
}

/// The model with the fitted rival; a method that trains comes back as it was.
///
/// # Errors
/// For settings that make no sense, or when features or device fail.
pub fn fit(
    args: &TrainArgs,
    setting: Setting,
    mut model: Fsr,
    source: &impl FeatureSource,
) -> Result<Fsr> {
    let rival = match args.method {
        Method::Fsr | Method::Reconstruction => return Ok(model),
        Method::Patchcore => {
            let options = CoresetOptions {
                share: args.coreset.unwrap_or(default_coreset(setting)),
                seed: args.seed,
            };
            let fitted = pollster::block_on(PatchCore::fit(source, &model, options))
                .context("cannot fit PatchCore")?;
            say(format!("PatchCore: {} patches in the bank", fitted.len()));
            Rival::PatchCore(fitted)
        }
        Method::Padim => {
            let channels = args.padim_channels.unwrap_or(CHANNELS);
            let fitted = pollster::block_on(Padim::fit(source, &model, channels, args.seed))
                .context("cannot fit PaDiM")?;
            Rival::Padim(fitted)
        }
    };
    model.rival = Some(rival);
    Ok(model)
}
