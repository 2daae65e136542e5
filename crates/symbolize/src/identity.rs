//! Whether an image is the kernel that a log says it comes from.

use std::fmt;

use image::{Image, Kind};
use trace::Build;

/// How an image compares with what a log says of its kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It is the same build.
    Same(Mark),
    /// It has the same release and build number, which many builds have.
    Likely,
    /// The log or the image says too little.
    Unknown,
    /// It is another build.
    Other {
        /// What proves it.
        by: Mark,
        /// What the log says.
        log: String,
        /// What the image says.
        image: String,
    },
}

/// What builds are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The GNU build-id.
    BuildId,
    /// The version line, or what reports print of it.
    Version,
}

impl Mark {
    /// Its name: `build-id`, `version`.
    pub fn name(self) -> &'static str {
        match self {
            Mark::BuildId => "build-id",
            Mark::Version => "version",
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Same(by) => write!(f, "same {}", by.name()),
            Identity::Likely => f.write_str("same release"),
            Identity::Unknown => f.write_str("nothing to tell the build by"),
            Identity::Other { by, log, image } => write!(f, "{} is {image}, the log's is {log}", by.name()),
        }
    }
}

impl Identity {
    /// Compares an image with what a log says.
    pub fn of(image: &Image<'_>, build: &Build) -> Identity {
        if let (Some(log), Some(own)) = (&build.build_id, image.build_id().filter(|_| image.kind() == Kind::Kernel)) {
            return match own.is(log) {
                true => Identity::Same(Mark::BuildId),
                false => Identity::Other { by: Mark::BuildId, log: log.clone(), image: own.to_string() },
            };
        }
        match image.kind() {
            Kind::Kernel => image.banner().map_or(Identity::Unknown, |banner| of_banner(banner, build)),
            Kind::Module => of_module(image, build),
        }
    }

    fn other(log: &str, image: &str) -> Identity {
        Identity::Other { by: Mark::Version, log: log.to_owned(), image: image.to_owned() }
    }

    /// True where the image is not the log's kernel.
    pub fn is_other(&self) -> bool {
        matches!(self, Identity::Other { .. })
    }
}

/// Which of several images is meant, given how each compares and whether it has debug information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The image of this number.
    One(usize),
    /// None of so many is known to be the log's.
    Ambiguous(usize),
    /// All are other builds, or there is none.
    None,
}

impl Choice {
    /// Chooses: an image that is the same build, else one that is likely so, else the only one of which nothing is known.
    /// Among equals one with debug information comes first, then the one found first.
    pub fn among(found: &[(Identity, bool)]) -> Choice {
        let first = |fits: &dyn Fn(&Identity) -> bool| {
            let with = found.iter().position(|(identity, has_lines)| fits(identity) && *has_lines);
            with.or_else(|| found.iter().position(|(identity, _)| fits(identity)))
        };
        let same = first(&|identity| matches!(identity, Identity::Same(_)));
        if let Some(chosen) = same.or_else(|| first(&|identity| *identity == Identity::Likely)) {
            return Choice::One(chosen);
        }
        match found.iter().filter(|(identity, _)| *identity == Identity::Unknown).count() {
            0 => Choice::None,
            1 => first(&|identity| *identity == Identity::Unknown).map_or(Choice::None, Choice::One),
            several => Choice::Ambiguous(several),
        }
    }
}

/// The release and what `uname -v` says of a version line.
fn parts(banner: &str) -> Option<(&str, &str)> {
    let release = banner.strip_prefix("Linux version ")?.split(' ').next()?;
    // The compiler's version may hold a `#` too, but no build number is behind it.
    let number = |at: usize| banner[at + 2..].starts_with(|c: char| c.is_ascii_digit());
    let at = banner.rmatch_indices(" #").map(|(at, _)| at).find(|at| number(*at))?;
    Some((release, &banner[at + 1..]))
}

fn of_banner(own: &str, build: &Build) -> Identity {
    let Some((own_release, own_version)) = parts(own) else { return Identity::Unknown };
    if let Some((release, version)) = build.banner.as_deref().and_then(parts) {
        return match (release == own_release && version.trim_end() == own_version.trim_end(), &build.banner) {
            (true, Some(banner)) if banner.trim_end() == own.trim_end() => Identity::Same(Mark::Version),
            // The same but for the compiler, or a line that was damaged.
            (true, _) => Identity::Likely,
            (false, _) => Identity::other(&format!("{release} {version}"), &format!("{own_release} {own_version}")),
        };
    }
    match build.release.as_deref() {
        None => Identity::Unknown,
        Some(release) if release != own_release => Identity::other(release, own_release),
        Some(_) => of_version(build.version.as_deref().unwrap_or(""), own_version),
    }
}

/// `#1  Debian 6.1.176-1` of a report beside `#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-07-02)`.
fn of_version(version: &str, own: &str) -> Identity {
    let mut words = version.split_ascii_whitespace();
    let Some(number) = words.next() else { return Identity::Likely };
    let mut own_words = own.split_ascii_whitespace();
    if own_words.next() != Some(number) {
        return Identity::other(version, own);
    }
    let mut says_more = false;
    for word in words {
        if !own_words.clone().any(|own| own == word) {
            return Identity::other(version, own);
        }
        says_more = true;
    }
    if says_more { Identity::Same(Mark::Version) } else { Identity::Likely }
}

/// A module says for which release it was made (`vermagic`), and not for which build.
fn of_module(image: &Image<'_>, build: &Build) -> Identity {
    let own = image.vermagic().and_then(|magic| magic.split(' ').next());
    match (own, build.release.as_deref()) {
        (Some(own), Some(release)) if own == release => Identity::Likely,
        (Some(own), Some(release)) => Identity::other(release, own),
        _ => Identity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Vmlinux;

    const OWN: &str = "Linux version 6.1.0-50 (a@b) (gcc (Debian 12.2 #x) 12) #1 SMP Debian 6.1.176-1 (2026-07-02)";

    fn build(banner: Option<&str>, release: Option<&str>, version: Option<&str>, build_id: Option<&str>) -> Build {
        let [banner, release, version, build_id] =
            [banner, release, version, build_id].map(|word| word.map(str::to_owned));
        Build { banner, release, version, build_id }
    }

    fn identity(build: &Build) -> String {
        let bytes = Vmlinux::new().banner(OWN).build_id(&[0xab; 20]).write();
        Identity::of(&Image::parse(&bytes).unwrap(), build).to_string()
    }

    #[test]
    fn a_build_id_decides() {
        let id = "ab".repeat(20);
        assert_eq!(identity(&build(Some("Linux version 5.0 x #1"), None, None, Some(&id))), "same build-id");
        let other = identity(&build(Some(OWN), None, None, Some("cd")));
        assert_eq!(other, format!("build-id is {id}, the log's is cd"));
    }

    #[test]
    fn version_lines_are_compared_by_release_and_version() {
        for (banner, want) in [
            (OWN.to_owned(), "same version"),
            (OWN.replace("gcc", "clang"), "same release"),
            (OWN.replace("#1 SMP", "#2 SMP"), "version is"),
            (OWN.replace("6.1.0-50", "6.1.0-47"), "version is"),
            ("Linux version ".to_owned(), "nothing"),
        ] {
            let found = identity(&build(Some(&banner), None, None, None));
            assert!(found.starts_with(want), "{banner}: {found}");
        }
    }

    #[test]
    fn what_reports_print_of_the_version_is_compared_word_by_word() {
        for (release, version, want) in [
            (Some("6.1.0-50"), Some("#1  Debian 6.1.176-1"), "same version"),
            (Some("6.1.0-50"), Some("#1"), "same release"),
            (Some("6.1.0-50"), None, "same release"),
            (Some("6.1.0-50"), Some("#2"), "version is"),
            (Some("6.1.0-50"), Some("#1  Debian 6.1.170-1"), "version is"),
            (Some("6.1.0-47"), Some("#1"), "version is 6.1.0-50, the log's is 6.1.0-47"),
            (None, None, "nothing"),
        ] {
            let found = identity(&build(None, release, version, None));
            assert!(found.starts_with(want), "{version:?}: {found}");
        }
    }

    #[test]
    fn the_best_known_image_is_chosen() {
        let (same, other) = (Identity::Same(Mark::BuildId), Identity::other("a", "b"));
        let (likely, unknown) = (Identity::Likely, Identity::Unknown);
        for (found, want) in [
            (vec![(other.clone(), true), (likely.clone(), true), (same.clone(), false)], Choice::One(2)),
            (vec![(same.clone(), false), (same, true)], Choice::One(1)),
            (vec![(unknown.clone(), true), (likely.clone(), false), (likely, false)], Choice::One(1)),
            (vec![(other.clone(), true), (unknown.clone(), false)], Choice::One(1)),
            (vec![(unknown.clone(), true), (unknown, true)], Choice::Ambiguous(2)),
            (vec![(other, true)], Choice::None),
            (vec![], Choice::None),
        ] {
            assert_eq!(Choice::among(&found), want, "{found:?}");
        }
    }
}
