//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.

/// Log-odds that a result without any finding is right.
pub(crate) const CONSTANT: f64 = 3.822;
/// Results with this probability or more are called `trust`.
pub(crate) const TRUST: f64 = 0.767;
/// Results with less are called `reject`.
pub(crate) const REJECT: f64 = 0.342;
/// What a measure of 1 adds to the log-odds.
pub(crate) const WEIGHTS: &[(&str, f64)] = &[
    ("crash-drift", -2.766),
    ("files-elsewhere", -1.598),
    ("names-elsewhere", -0.958),
    ("release-walk", -2.597),
    ("impossible-culprit", -2.105),
    ("exposing-culprit", -0.836),
    ("equal-kernels", -1.016),
    ("single-crash", -1.391),
    ("good-end", -1.371),
];
