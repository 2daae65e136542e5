//! What is known of the kernel image that a report is symbolized by.

use ksplat::Checked;
use ksplat::symbolize::Identity;
use ksplat::symbolize::proof::{Count, Standing};
use schemars::JsonSchema;
use serde::Serialize;

use crate::kernel::Kernel;

/// The kernel image, and whether it is the one that printed the report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImageRecord {
    /// The file; absent where none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// `verified` by its build-id or its version line, `unverified`, or `mismatch`: proved to be another kernel's, or most
    /// sizes or instructions of the report are not the image's.
    standing: &'static str,
    /// What proves it: `build-id` or `version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    /// Functions of the report, by their sizes.
    #[serde(skip_serializing_if = "Option::is_none")]
    sizes: Option<CountRecord>,
    /// Instructions of `Code:` lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<CountRecord>,
    /// Calls of the frames that the unwinder does not doubt: whether each calls the one below.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<CountRecord>,
}

/// How many things of the report are as in the image.
#[derive(Debug, Serialize, JsonSchema)]
struct CountRecord {
    /// So many are.
    agree: usize,
    /// So many are not.
    differ: usize,
    /// Of so many the file does not say: the kernel writes them when it boots, or decides them as it runs.
    unknown: usize,
}

impl ImageRecord {
    /// The record of a kernel; the counts are those of a report that was checked.
    pub fn new(kernel: &Kernel<'_>, checked: Option<&Checked>) -> ImageRecord {
        let signs = checked.map(|checked| checked.signs).unwrap_or_default();
        let by = match kernel.identity() {
            Identity::Same(by) | Identity::Other { by, .. } => Some(by.name()),
            _ => None,
        };
        let count = |Count { agree, differ, unknown }: Count| {
            (agree + differ + unknown > 0).then_some(CountRecord { agree, differ, unknown })
        };
        ImageRecord {
            file: kernel.path().map(|path| path.to_string_lossy().into_owned()),
            standing: Standing::of(kernel.identity(), &signs).name(),
            by,
            sizes: count(signs.sizes),
            code: count(signs.code),
            calls: count(signs.calls),
        }
    }
}
