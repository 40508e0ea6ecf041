//! FSR.
