//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.

/// Log-odds that a result without any finding is right.
pub(crate) const CONSTANT: f64 = 4.781;
/// Results with this probability or more are called `trust`.
pub(crate) const TRUST: f64 = 0.766;
/// Results with less are called `reject`.
pub(crate) const REJECT: f64 = 0.359;
/// What a measure of 1 adds to the log-odds.
pub(crate) const WEIGHTS: &[(&str, f64)] = &[
    ("crash-drift", -3.182),
    ("files-elsewhere", -1.798),
    ("names-elsewhere", -1.416),
    ("busy-subsystem", -1.196),
    ("release-walk", -2.625),
    ("impossible-culprit", -3.341),
    ("exposing-culprit", -0.787),
    ("equal-kernels", -0.936),
    ("single-crash", -1.155),
    ("good-end", -1.360),
];
