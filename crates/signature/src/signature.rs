//! Signatures: one bug, one short name, whatever machine, boot or capture printed it.
//!
//! The scheme is `v0` while it is being found. Its plaintext is the report's kind, then the blamed frames: at most
//! three of each stack trace that the title looks at, from the blamed function outwards, by the names that the
//! kernel printed, without what compilers add. A report without a blamable frame is named by its lines without numbers
//! instead, so that it groups with nothing but its equals.

use std::borrow::Cow;
use std::sync::LazyLock;

use trace::format::Integrity;
use trace::{Report, Splat};

use crate::explain::{Decision, Watch};
use crate::name::{demangled, without_suffixes};
use crate::remainder::remainder;
use crate::skip::{skip, skips};
use crate::title::Title;

/// How many frames of a stack trace name a bug.
const FRAMES: usize = 3;

/// The derive-key context of the hash: scheme and version.
const SCHEME: &str = "ksplat crash signature v0";

/// A hasher that has read the context.
static HASHER: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key(SCHEME));

/// A crash signature and the text that it is the digest of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    digest: [u8; 16],
    plaintext: String,
}

impl Signature {
    /// The signature of a report.
    pub fn of(splat: &Splat<'_>, report: &Report<'_>, title: &Title) -> Signature {
        let mut plaintext = String::with_capacity(256);
        let mut fact = |name, what: &str| [name, ": ", what, "\n"].iter().for_each(|part| plaintext.push_str(part));
        fact("kind", title.kind());
        let blamed = frames(report, title, &mut ());
        blamed.iter().for_each(|frame| fact("frame", frame));
        let expects_frames = title
            .format
            .is_none_or(|format| format.row.integrity == Integrity::Corrupted || !format.row.recipe.steps.is_empty());
        if blamed.is_empty() && expects_frames {
            remainder(&splat.lines[..splat.own], |line| fact("line", line));
        }
        let digest = HASHER.clone().update(plaintext.as_bytes()).finalize();
        let (digest, _) = digest.as_bytes().split_first_chunk().expect("a digest has 32 bytes");
        Signature { digest: *digest, plaintext }
    }

    /// What the signature is the digest of, a fact a line.
    pub fn plaintext(&self) -> &str {
        &self.plaintext
    }

    /// The functions that it blames, those of each stack trace from the blamed one outwards.
    pub fn frames(&self) -> impl Iterator<Item = &str> {
        self.plaintext.lines().filter_map(|fact| fact.strip_prefix("frame: "))
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = *b"v0:................................";
        for (digits, byte) in text[3..].chunks_exact_mut(2).zip(self.digest) {
            digits.copy_from_slice(&[byte >> 4, byte & 15].map(|value| b"0123456789abcdef"[usize::from(value)]));
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
    }
}

/// The blamed frames of each stack trace that the title looks at.
pub(crate) fn frames<'r>(report: &Report<'r>, title: &'r Title, watch: &mut impl Watch) -> Vec<Cow<'r, str>> {
    let mut blamed = Vec::new();
    for key in title.keys.iter().filter(|key| key.name.is_some()) {
        let start = report.traces.iter().find_map(|trace| {
            let at = trace.frames.iter().position(|frame| frame.reliable && is_physical(frame, &key.raw))?;
            Some(&trace.frames[at..])
        });
        let Some(frames) = start else {
            watch.see(|| Decision::Candidate { function: key.raw.clone(), skip: None });
            blamed.push(Cow::Borrowed(&*key.raw));
            continue;
        };
        let reliable = frames.iter().filter(|frame| frame.reliable && !frame.function.is_empty());
        let is_blamable = |name: &Cow<'_, str>| {
            watch.see(|| Decision::Candidate { function: name.clone().into_owned(), skip: skip(name, title.format) });
            !skips(name, title.format)
        };
        blamed.extend(reliable.map(physical).filter(is_blamable).take(FRAMES));
    }
    blamed
}

/// The function of a frame, demangled and without what compilers add.
fn physical<'t>(frame: &trace::Frame<'t>) -> Cow<'t, str> {
    demangled(without_suffixes(frame.function))
}

/// True where this is the name of a frame's function, demangled and without what compilers add.
fn is_physical(frame: &trace::Frame<'_>, name: &str) -> bool {
    if frame.function.starts_with("_Z") || frame.function.starts_with("_R") {
        return physical(frame) == name;
    }
    frame.function.starts_with(name) && without_suffixes(frame.function).len() == name.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::Log;

    fn signature(text: &str) -> Signature {
        let log = Log::parse(text.as_bytes(), trace::Rules::Syzbot);
        let splat = log.splats().next().expect("a splat");
        Signature::of(&splat, &Report::parse(&splat), &Title::of(&splat))
    }

    const OOPS: &str = "[    1.0] general protection fault: 0000 [#1]\n[    1.0] CPU: 1 PID: 5 Comm: sh Not tainted 6.1.0 #1\n\
        [    1.0] RIP: 0010:memcpy+0x1/0x2\n[    1.0] Call Trace:\n[    1.0]  f.isra.0+0x1/0x2\n[    1.0]  ? x+0x1/0x2\n\
        [    1.0]  g+0x1/0x2\n[    1.0]  h+0x1/0x2\n[    1.0]  i+0x1/0x2\n";

    #[test]
    fn the_plaintext_says_kind_and_frames() {
        assert_eq!(signature(OOPS).plaintext(), "kind: general protection fault in *\nframe: f\nframe: g\nframe: h\n");
    }

    #[test]
    fn what_varies_does_not_matter() {
        let other = OOPS.replace("1.0]", "772.5]").replace("PID: 5", "PID: 99").replace("CPU: 1", "CPU: 0");
        let other = other.replace("0x1/0x2", "0x11/0x22").replace("f.isra.0", "f").replace(" i+", " j+");
        assert_eq!(signature(OOPS), signature(&other));
        assert_ne!(signature(OOPS), signature(&OOPS.replace(" g+", " k+")));
        assert_ne!(signature(OOPS), signature(&OOPS.replace("general protection fault", "Unhandled fault")));
    }

    #[test]
    fn reports_without_frames_only_equal_themselves() {
        let bare = |text: &str| signature(&format!("[ 1.0] general protection fault: 0000\n[ 1.0] {text}\n"));
        assert_eq!(bare("at 0xffff888012345678"), bare("at 0xffff888087654321"));
        assert_ne!(bare("one"), bare("two"));
    }
}
