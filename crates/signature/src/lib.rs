//! Titles, crash types, signatures and buckets of kernel reports.
//!
//! `Report ─signature─> Signature ─buckets─> Buckets`

mod corrupted;
mod crash_type;
pub mod list;
pub mod name;
mod recipe;
mod scrub;
mod title;

pub use corrupted::Corrupted;
pub use crash_type::CrashType;
pub use recipe::Key;
pub use scrub::scrubbed;
pub use title::Title;
