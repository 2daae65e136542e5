//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.

/// Log-odds that a result without any finding is right.
pub(crate) const CONSTANT: f64 = 3.487;
/// Results with this probability or more are called `trust`.
pub(crate) const TRUST: f64 = 0.820;
/// Results with less are called `reject`.
pub(crate) const REJECT: f64 = 0.307;
/// What a measure of 1 adds to the log-odds.
pub(crate) const WEIGHTS: &[(&str, f64)] = &[
    ("crash-drift", -2.754),
    ("files-elsewhere", -1.628),
    ("names-elsewhere", -0.548),
    ("release-walk", -2.586),
    ("impossible-culprit", -2.118),
    ("exposing-culprit", -0.810),
    ("equal-kernels", -1.051),
    ("single-crash", -1.363),
    ("good-end", -1.385),
];
