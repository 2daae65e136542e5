//! Bug families: reports that are probably one bug, with a probability and the reasons.
//!
//! `Traits ─profile─> Profile ─index─> candidates ─terms─> Terms ─model─> probability ─families─> Families`
//!
//! A family is a guess and says so; what is certain is the signature, which is none of this crate's business.
//! How good the guesses are is in `FAMILIES.md`.

mod families;
mod index;
mod model;
mod profile;
mod rarity;
mod set;
mod terms;
mod traits;

pub use families::{Candidate, Families, Placement};
pub use index::Index;
pub use model::{Model, Reason};
pub use profile::Profile;
pub use rarity::Rarity;
pub use terms::{TERMS, Term, Terms, Titles};
pub use traits::{Role, Stack, Traits, release_number};
