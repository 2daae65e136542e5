//! Titles, crash types, signatures and buckets of kernel reports.
//!
//! `Report ─signature─> Signature ─buckets─> Buckets`

mod alternatives;
mod bucket;
mod corrupted;
mod crash_type;
pub mod explain;
mod guilty;
pub mod list;
mod memo;
pub mod name;
mod readable;
mod recipe;
mod remainder;
mod scrub;
mod signature;
mod skip;
mod template;
mod title;

pub use alternatives::alternatives;
pub use bucket::{Bucket, Buckets, Place, Sighting};
pub use corrupted::Corrupted;
pub use crash_type::CrashType;
pub use explain::Explanation;
pub use guilty::guilty_file;
pub use name::demangled;
pub use readable::readable;
pub use recipe::Key;
pub use scrub::scrubbed;
pub use signature::Signature;
pub use skip::{Skip, skip};
pub use title::Title;
