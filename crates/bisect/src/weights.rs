//! The weights of the audit: written by `examples/calibrate`, explained in `CALIBRATION.md`.

/// Log-odds that a result without any finding is right.
pub(crate) const CONSTANT: f64 = 4.761;
/// Results with this probability or more are called `trust`.
pub(crate) const TRUST: f64 = 0.777;
/// Results with less are called `reject`.
pub(crate) const REJECT: f64 = 0.340;
/// What a measure of 1 adds to the log-odds.
pub(crate) const WEIGHTS: &[(&str, f64)] = &[
    ("crash-drift", -3.116),
    ("files-elsewhere", -1.783),
    ("names-elsewhere", -1.441),
    ("busy-subsystem", -1.202),
    ("release-walk", -2.677),
    ("impossible-culprit", -3.365),
    ("exposing-culprit", -0.766),
    ("equal-kernels", -0.942),
    ("single-crash", -1.162),
    ("good-end", -1.347),
];
