//! Boots: which kernel printed which part of a log, as far as the log says.

use std::ops::Range;

use memchr::memmem;

use crate::run::hex;
use crate::{Frame, Line, Origin, Trigger};

/// What names one build of the kernel; each field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Build {
    /// The version line (init/version.c, `linux_banner`): `Linux version 6.1.0 (user@host) (gcc …) #1 SMP …`.
    pub banner: Option<String>,
    /// What `uname -r` says: `6.1.0-50-cloud-amd64`.
    pub release: Option<String>,
    /// What reports print of `uname -v`: `#1`, with Debian's package behind it.
    pub version: Option<String>,
    /// The kernel's build-id in hex (`CONFIG_STACKTRACE_BUILD_ID`).
    pub build_id: Option<String>,
}

/// One run of a kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// The kernel that ran.
    pub build: Build,
    /// By how many bytes it was moved (`Kernel Offset: 0x8c00000 from 0xffffffff81000000`); 0 where it says that it was not.
    pub offset: Option<u64>,
}

/// Tells the boots of a log apart, which may come in pieces of whole lines.
#[derive(Clone, Debug, Default)]
pub struct Boots {
    current: Boot,
}

/// Lines above a report's `CPU:` line that may be its headline.
const REACH: usize = 16;

impl Build {
    /// What the header of a report says (lib/dump_stack.c, `dump_stack_print_info`).
    pub fn of(origin: &Origin<'_>) -> Build {
        let (mut version, mut build_id) = (origin.version.map(str::trim_end), None);
        if let Some((before, last)) = version.and_then(|version| version.rsplit_once(' '))
            && is_build_id(last)
        {
            (version, build_id) = (Some(before.trim_end()), Some(last.to_owned()));
        }
        let owned = |text: &str| text.to_owned();
        Build { banner: None, release: origin.release.map(owned), version: version.map(owned), build_id }
    }

    fn of_banner(line: &str) -> Build {
        let release = line["Linux version ".len()..].split(' ').next().filter(|release| !release.is_empty());
        Build { banner: Some(line.to_owned()), release: release.map(str::to_owned), ..Build::default() }
    }

    /// True where both can be the same build.
    pub fn agrees(&self, other: &Build) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        same(&self.release, &other.release)
            && same(&self.version, &other.version)
            && same(&self.build_id, &other.build_id)
    }

    /// Takes over what is known of the same build elsewhere.
    pub fn learn(&mut self, other: Build) {
        self.banner = self.banner.take().or(other.banner);
        self.release = self.release.take().or(other.release);
        self.version = self.version.take().or(other.version);
        self.build_id = self.build_id.take().or(other.build_id);
    }
}

/// What a line says of its boot.
enum Says {
    Starts(Build),
    Is(Build),
    Moved(u64),
}

impl Boots {
    /// The boots of the next lines, in order and without gaps; the first goes on with the last one of the lines before.
    ///
    /// A boot starts with the kernel's version line, or with the first report of another kernel. What its lines say counts
    /// for all of its part, since the release of a report stands below its headline, and the offset at its end.
    pub fn next(&mut self, text: &[u8]) -> Vec<(Range<usize>, Boot)> {
        let mut parts = Vec::new();
        let mut start = 0;
        let (mut banners, mut tasks) = (memmem::find_iter(text, "Linux version "), memmem::find_iter(text, "omm: "));
        let mut offsets = memmem::find_iter(text, "Kernel Offset: ");
        let (mut banner, mut task, mut offset) = (banners.next(), tasks.next(), offsets.next());
        let mut read = 0;
        while let Some(at) = [banner, task, offset].into_iter().flatten().min() {
            if banner == Some(at) {
                banner = banners.next();
            } else if task == Some(at) {
                task = tasks.next();
            } else {
                offset = offsets.next();
            }
            if at < read {
                continue;
            }
            let from = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
            read = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
            let raw = &text[from..read];
            let line = Line::parse(from, raw.strip_suffix(b"\r").unwrap_or(raw));
            let (from, build) = match says(line.body) {
                Some(Says::Starts(build)) => (from, build),
                Some(Says::Is(build)) if !self.current.build.agrees(&build) => (headline(text, start, from), build),
                Some(Says::Is(build)) => {
                    self.current.build.learn(build);
                    continue;
                }
                Some(Says::Moved(by)) => {
                    self.current.offset = Some(by);
                    continue;
                }
                None => continue,
            };
            let ended = std::mem::replace(&mut self.current, Boot { build, offset: None });
            if from > start {
                parts.push((start..from, ended));
            }
            start = from;
        }
        parts.push((start..text.len(), self.current.clone()));
        parts
    }
}

fn says(body: &[u8]) -> Option<Says> {
    let text = || std::str::from_utf8(body).ok().map(str::trim_end);
    if body.starts_with(b"Linux version ") {
        return Some(Says::Starts(Build::of_banner(text()?)));
    }
    if let Some(by) = body.strip_prefix(b"Kernel Offset: ") {
        let by =
            if by.starts_with(b"disabled") { Some(0) } else { by.strip_prefix(b"0x").and_then(hex).map(|(by, _)| by) };
        return by.map(Says::Moved);
    }
    let mut origin = Origin::default();
    origin.read(body);
    let build = Build::of(&origin);
    build.release.is_some().then_some(Says::Is(build))
}

/// Where the report starts whose header is the line at `header`: its headline stands a few lines above.
fn headline(text: &[u8], from: usize, header: usize) -> usize {
    let (mut start, mut end) = (header, header);
    for _ in 0..REACH {
        if end <= from {
            break;
        }
        let line = memchr::memrchr(b'\n', &text[from..end - 1]).map_or(from, |at| from + at + 1);
        let body = Line::parse(line, &text[line..end - 1]).body;
        if Frame::parse(body).is_some() || memmem::find(body, b"[ end trace").is_some() {
            break;
        }
        if Trigger::all().any(|trigger| memmem::find(body, trigger.text().as_bytes()).is_some()) {
            start = line;
        }
        end = line;
    }
    start
}

/// `%20phN`: twenty bytes in hex; other linkers make eight or sixteen.
fn is_build_id(word: &str) -> bool {
    matches!(word.len(), 16 | 32 | 40) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[ 0.0] Linux version 6.1.0 (a@b) (gcc) #1 SMP\n[ 1.0] BUG: x in f+0x1/0x2\n\
                       [ 1.0] CPU: 0 PID: 1 Comm: sh Not tainted 6.1.0 #1\n[ 1.0] Kernel Offset: 0x1000 from 0xffffffff81000000\n";
    const OTHER: &str = "[ 5.0]  g+0x1/0x2\n[ 5.0] WARNING: CPU: 0 PID: 1 at f+0x1/0x2\n[ 5.0] Modules linked in: m\n\
                         [ 5.0] CPU: 0 PID: 1 Comm: sh Tainted: G    W  6.2.0 #7 00112233445566778899aabbccddeeff00112233\n";

    fn releases(parts: &[(Range<usize>, Boot)]) -> Vec<(Range<usize>, &str, Option<u64>)> {
        parts
            .iter()
            .map(|(part, boot)| (part.clone(), boot.build.release.as_deref().unwrap_or(""), boot.offset))
            .collect()
    }

    #[test]
    fn a_boot_knows_what_any_of_its_lines_says() {
        let parts = Boots::default().next(ONE.as_bytes());
        assert_eq!(releases(&parts), [(0..ONE.len(), "6.1.0", Some(0x1000))]);
        let build = &parts[0].1.build;
        assert_eq!(build.banner.as_deref(), Some("Linux version 6.1.0 (a@b) (gcc) #1 SMP"));
        assert_eq!((build.version.as_deref(), build.build_id.as_deref()), (Some("#1"), None));
    }

    #[test]
    fn a_report_of_another_kernel_starts_a_boot_at_its_headline() {
        let text = format!("{ONE}{OTHER}{ONE}");
        let (first, second) = (ONE.len() + OTHER.find("[ 5.0] WARNING").unwrap_or(0), ONE.len() + OTHER.len());
        let parts = Boots::default().next(text.as_bytes());
        let want = [
            (0..first, "6.1.0", Some(0x1000)),
            (first..second, "6.2.0", None),
            (second..text.len(), "6.1.0", Some(0x1000)),
        ];
        assert_eq!(releases(&parts), want);
        assert_eq!(parts[1].1.build.build_id.as_deref(), Some("00112233445566778899aabbccddeeff00112233"));
        assert_eq!(parts[1].1.build.version.as_deref(), Some("#7"));
    }

    #[test]
    fn a_boot_goes_on_in_the_next_piece() {
        let mut boots = Boots::default();
        assert_eq!(releases(&boots.next(ONE.as_bytes())).len(), 1);
        assert_eq!(releases(&boots.next(b" f+0x1/0x2\n")), [(0..11, "6.1.0", Some(0x1000))]);
        assert_eq!(boots.next(b"")[0].0, 0..0);
    }

    #[test]
    fn lines_that_only_look_so_say_nothing() {
        let text = "echo Linux version 5.0 #1\nKernel Offset: x\nComm: \nCPU: 0 PID: 1 Comm: sh Not tainted\n";
        assert_eq!(releases(&Boots::default().next(text.as_bytes())), [(0..text.len(), "", None)]);
    }
}
