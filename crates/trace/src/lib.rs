//! What a kernel console says: capture formats, printk prefixes, splats, reports, frames.
//!
//! `bytes ─capture─> lines ─splat─> splats ─report─> reports`

mod frame;

pub use frame::Frame;
