//! Fitting what a trained model is expected to leave unrestored, see [`fsr::expected`].

use anyhow::{Context, Result};
use fsr::expected::ExpectedDifferenceBuilder;
use fsr::feature_cache::FeatureSource;
use fsr::model::Fsr;

use super::images::spread;

/// Images (or tiles) that are looked at: of 4,096 cells each, far more than there are slopes to fit.
const IMAGES: usize = 256;

/// Images that are looked at together.
const BATCH: usize = 4;

/// Gives `model` the fit on the images it was trained on, or on [`IMAGES`] of them at even distances.
///
/// # Errors
/// When the features cannot be read or the device fails.
pub fn fit(model: &mut Fsr, source: &impl FeatureSource, share: Option<f32>) -> Result<()> {
    let Some(share) = share.filter(|&share| share > 0.0) else {
        return Ok(());
    };
    let mut builder = ExpectedDifferenceBuilder::new(&model.config);
    for batch in spread(source.len(), IMAGES).chunks(BATCH) {
        let tokens = model.tokens(source.batch(batch, model.device())?);
        pollster::block_on(builder.add(model, tokens))
            .context("cannot fit the expected difference")?;
    }
    model.expected = builder.finish(share);
    Ok(())
}
