//! Exact evaluation metrics, for images and for pixels.
//!
//! All are computed from one sort of the scores, ties merged, as scikit-learn and MVTec's reference code
//! define them. A metric that the data does not define — one class missing, a NaN among the scores,
//! lengths that differ — is `None`, never a number.

mod pr;
mod pro;
mod ranking;
mod region;
mod roc;

pub use pr::{F1Max, PrPoint, average_precision, f1_max, pr_curve};
pub use pro::{ProPoint, aupro, pro_curve, thinned_pro_curve};
pub use ranking::LabelledScores;
pub use region::label_regions;
pub use roc::{RocPoint, auroc, roc_curve};
