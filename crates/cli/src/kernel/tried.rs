//! Files that were looked at in the search for an image.

use std::path::{Path, PathBuf};

use ksplat::symbolize::{Choice, Identity};

use super::images::Opened;

/// A file that may be the image, and what was found.
pub struct Tried {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub verdict: Verdict,
}

/// What a file is in the search for an image.
pub enum Verdict {
    /// There is no such file.
    Missing,
    /// It was not read, since another one was found before.
    NotRead,
    /// It cannot be read as an image; the text says why.
    Unreadable(String),
    /// It is an image.
    Read {
        /// The image.
        image: &'static Opened,
        /// How it compares with what the log says.
        identity: Identity,
    },
}

impl Tried {
    /// A file that is not there.
    pub fn missing(path: PathBuf) -> Tried {
        Tried { path, verdict: Verdict::Missing }
    }

    /// A file that was not read.
    pub fn not_read(path: PathBuf) -> Tried {
        Tried { path, verdict: Verdict::NotRead }
    }

    /// The image, where it is one.
    pub fn image(&self) -> Option<&'static Opened> {
        if let Verdict::Read { image, .. } = self.verdict { Some(image) } else { None }
    }

    /// How the image compares with what the log says.
    pub fn identity(&self) -> Option<&Identity> {
        if let Verdict::Read { identity, .. } = &self.verdict { Some(identity) } else { None }
    }

    /// The file and the reason, where it cannot be read.
    pub fn unreadable(&self) -> Option<(&Path, &str)> {
        if let Verdict::Unreadable(why) = &self.verdict { Some((&self.path, why)) } else { None }
    }
}

/// Which of the files is taken, by its number.
pub fn choose(tried: &[Tried]) -> Choice {
    let read = |(number, tried): (usize, &Tried)| Some((number, tried.image()?, tried.identity()?.clone()));
    let read: Vec<_> = tried.iter().enumerate().filter_map(read).collect();
    let found: Vec<_> =
        read.iter().map(|(_, image, identity)| (identity.clone(), image.image.has_debug_info())).collect();
    match Choice::among(&found) {
        Choice::One(number) => Choice::One(read[number].0),
        other => other,
    }
}
