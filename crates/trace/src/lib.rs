//! What a kernel console says: capture formats, printk prefixes, splats, reports, frames.
//!
//! `bytes ─capture─> lines ─splat─> splats ─report─> reports`

mod boot;
mod capture;
mod causes;
pub mod detail;
mod fault_injection;
mod find;
pub mod format;
mod frame;
mod line;
mod log;
mod marks;
mod origin;
mod physical;
mod region;
mod report;
mod rules;
mod run;
pub mod shape;
mod splat;
pub mod stack;
mod trigger;
mod utf8;
mod window;

pub use boot::{Boot, Boots, Build};
pub use capture::{Console, Layer};
pub use causes::{Causes, Echo, Why, is_message};
pub use fault_injection::FaultInjection;
pub use format::Format;
pub use frame::{Frame, FrameAt};
pub use line::{Context, Line, lines};
pub use log::{Entry, Log};
pub use marks::Marks;
pub use origin::Origin;
pub use physical::{Undecoded, physical};
pub use region::Regions;
pub use report::{Report, Role, Trace};
pub use rules::Rules;
pub use splat::Splat;
pub use trigger::Trigger;
pub use window::{REACH, Scan, Scanner, Window, windows};
