//! What ksplat keeps on disk between runs, and where images and sources may lie; not what is in the files.

mod cache;
mod search;
mod source;
mod tree;

pub use cache::{Cache, Cached};
pub use search::{Place, Search, Wanted};
pub use source::around;
pub use tree::module_name;
