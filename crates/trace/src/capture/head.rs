//! What each line-oriented layer puts in front of a line, and what printk would have put there.

use std::io::Write;

use super::delta::{self, Delta};
use super::lines::lines;
use super::look::{landmark, monotonic_host};
use super::syslog::{Head, Time};
use super::{Layer, container, stamp};
use crate::run::spaces;

/// The names of syslog facilities, as `dmesg -x` and busybox's syslogd print them.
pub(super) const FACILITIES: [&str; 20] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "local0",
    "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

/// Turns the heads of a layer's lines into printk's.
#[derive(Debug)]
pub(super) struct Heads {
    layer: Layer,
    /// How much of quoting or indentation is the layer's; a line's own `>` or blanks behind that are its text.
    depth: usize,
    /// The machine's name in journalctl's short-monotonic form.
    host: Option<Vec<u8>>,
    clock: Clock,
    delta: Delta,
}

impl Heads {
    /// Heads of `layer` as the lines of `text` have them.
    pub(super) fn of(layer: Layer, text: &[u8]) -> Self {
        let host = match layer {
            Layer::Syslog => lines(text).find_map(|(_, line)| monotonic_host(line)).map(<[u8]>::to_vec),
            _ => None,
        };
        Heads { layer, depth: depth(layer, text), host, clock: Clock::default(), delta: Delta::default() }
    }

    /// Where the message of `line` starts, with what printk would have put in front left in `prefix`.
    ///
    /// Nothing where the line does not have the layer.
    pub(super) fn read(&mut self, line: &[u8], prefix: &mut Vec<u8>) -> Option<usize> {
        prefix.clear();
        match self.layer {
            Layer::Quote => quote(line, self.depth),
            Layer::Indent => indent(line, self.depth),
            Layer::IsoStamp => container::stamped(line),
            Layer::Cri => container::cri(line).map(|(at, _)| at),
            Layer::Job => container::job(line),
            Layer::Compose => container::compose(line),
            Layer::Syslog => self.syslog(line, prefix),
            Layer::Dmesg => printk(line, prefix),
            Layer::DmesgCaller => spaced(line, prefix),
            Layer::DmesgDecoded => {
                let at = decoded(line)?;
                let rest = &line[at..];
                Some(at + spaced(rest, prefix).or_else(|| printk(rest, prefix)).unwrap_or(0))
            }
            Layer::DmesgTime => {
                let time = stamp::ctime(line.strip_prefix(b"[")?)?;
                self.wall(line, time.micros, close_of_time(line, time.len)?, prefix)
            }
            Layer::DmesgDelta => {
                let (len, micros) = self.delta.read(line)?;
                made(line, micros, len, prefix)
            }
            Layer::DmesgIso => {
                let time = stamp::iso(line).filter(|s| line[..s.len].contains(&b','))?;
                self.wall(line, time.micros, time.len, prefix)
            }
            _ => None,
        }
    }

    fn syslog(&mut self, line: &[u8], prefix: &mut Vec<u8>) -> Option<usize> {
        let head = Head::read(line)?;
        // Without the machine's name, `[    1.5] usb 1-1: text` is a kernel line like any other.
        let is_ours = head.host.is_empty() || self.host.as_deref() == Some(head.host);
        if matches!(head.time, Time::Monotonic(_)) && !is_ours {
            return None;
        }
        if !head.is_kernel() {
            if head.tag_at.is_none() {
                prefix.extend_from_slice(head.tag);
                prefix.extend_from_slice(b": ");
            }
            return head.tag_at.or(Some(head.message));
        }
        let message = &line[head.message..];
        if let Some(at) = plain(message) {
            printk(message, prefix);
            if let (Time::Wall(wall), Some(inner)) = (head.time, stamp::kernel(message)) {
                self.clock.set(wall, inner.micros);
            }
            return Some(head.message + at);
        }
        match head.time {
            Time::Monotonic(stamp) => {
                prefix.extend_from_slice(&line[..stamp.len]);
                prefix.push(b' ');
            }
            Time::Wall(wall) => push_stamp(prefix, self.clock.since_boot(wall), None),
        }
        Some(head.message)
    }

    fn wall(&mut self, line: &[u8], wall: i64, at: usize, prefix: &mut Vec<u8>) -> Option<usize> {
        behind_blank(line, at)?;
        made(line, self.clock.since_boot(wall), at, prefix)
    }
}

/// Behind the `]` of `dmesg -T`, of which the time is `len` bytes long; `-d` adds the time since the message before.
pub(super) fn close_of_time(line: &[u8], len: usize) -> Option<usize> {
    let rest = line.get(1 + len..)?;
    let delta = rest.strip_prefix(b" ").and_then(delta::angle).map_or(0, |(len, _)| 1 + len);
    (rest.get(delta) == Some(&b']')).then_some(len + delta + 2)
}

/// Makes printk's stamp for a line of dmesg that has another one, with the caller that later versions put behind it.
fn made(line: &[u8], micros: i64, at: usize, prefix: &mut Vec<u8>) -> Option<usize> {
    let at = behind_blank(line, at)?;
    let caller = stamp::caller(&line[at..]).filter(|(len, _)| line.get(at + len) == Some(&b' '));
    push_stamp(prefix, micros, caller.map(|(_, id)| id));
    Some(at + caller.map_or(0, |(len, _)| len + 1))
}

/// Wall clock time to time since boot, as far as the capture tells: the first stamp counts as 0.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<(i64, i64)>);

impl Clock {
    /// Takes a pair of times that a line tells.
    fn set(&mut self, wall: i64, since_boot: i64) {
        self.0 = Some((wall, since_boot));
    }

    /// Microseconds since boot.
    pub(super) fn since_boot(&mut self, wall: i64) -> i64 {
        let &mut (base, since_boot) = self.0.get_or_insert((wall, 0));
        wall.saturating_sub(base).saturating_add(since_boot).max(0)
    }
}

/// Writes a stamp as printk does, with a caller where it is known, and the blank behind them.
pub(super) fn push_stamp(prefix: &mut Vec<u8>, micros: i64, caller: Option<&[u8]>) {
    let micros = micros.max(0);
    // Writing to a Vec cannot fail.
    let _ = write!(prefix, "[{:5}.{:06}]", micros / 1_000_000, micros % 1_000_000);
    if let Some(id) = caller {
        push_caller(prefix, id);
    }
    prefix.push(b' ');
}

/// Writes a caller id as printk does: padded to six.
fn push_caller(prefix: &mut Vec<u8>, id: &[u8]) {
    prefix.push(b'[');
    prefix.extend(std::iter::repeat_n(b' ', 6usize.saturating_sub(id.len())));
    prefix.extend_from_slice(id);
    prefix.push(b']');
}

/// Reads printk's own prefix and repeats it, with the blank that it may have lost at the end of a line.
fn printk(line: &[u8], prefix: &mut Vec<u8>) -> Option<usize> {
    let at = plain(line)?;
    prefix.extend_from_slice(line[..at].trim_ascii_end());
    prefix.push(b' ');
    Some(at)
}

/// Reads a stamp and, behind a blank, a caller, and writes them as printk does.
fn spaced(line: &[u8], prefix: &mut Vec<u8>) -> Option<usize> {
    let (stamp_len, id, at) = spaced_caller(line)?;
    prefix.extend_from_slice(&line[..stamp_len]);
    push_caller(prefix, id);
    prefix.push(b' ');
    Some(at)
}

/// The length of printk's own prefix, a level and the blank behind the stamp included.
pub(super) fn plain(line: &[u8]) -> Option<usize> {
    let level = stamp::level(line).unwrap_or(0);
    let mut at = level + stamp::kernel_len(&line[level..])?;
    at += stamp::caller(&line[at..]).map_or(0, |(len, _)| len);
    behind_blank(line, at)
}

/// Behind the blank at `at`; a line that ends there lost its blank on the way.
pub(super) fn behind_blank(line: &[u8], at: usize) -> Option<usize> {
    match line.get(at) {
        Some(b' ') => Some(at + 1),
        None => Some(at),
        Some(_) => None,
    }
}

/// The `[    1.2] [   T12] ` of later versions of dmesg: the stamp's length, the id, where the message starts.
pub(super) fn spaced_caller(line: &[u8]) -> Option<(usize, &[u8], usize)> {
    let stamp_len = stamp::kernel_len(line)?;
    if line.get(stamp_len) != Some(&b' ') {
        return None;
    }
    let (len, id) = stamp::caller(&line[stamp_len + 1..])?;
    Some((stamp_len, id, behind_blank(line, stamp_len + 1 + len)?))
}

/// Where the stamp starts behind the `kern  :warn  : ` of `dmesg -x`.
pub(super) fn decoded(line: &[u8]) -> Option<usize> {
    let name = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let facility = name(line);
    let colon = facility + spaces(&line[facility..]);
    let level_at = colon + 1;
    let level = name(line.get(level_at..)?);
    let end = level_at + level + spaces(&line[level_at + level..]);
    let known = |names: &[&str], word: &[u8]| names.iter().any(|n| n.as_bytes() == word);
    let fits = line[colon] == b':'
        && line.get(end) == Some(&b':')
        && known(&LEVELS, &line[level_at..level_at + level])
        && known(&FACILITIES, &line[..facility]);
    if fits { behind_blank(line, end + 1) } else { None }
}

/// The number of `>`, or `|`, in front of a line, and where the text behind them and one blank starts.
pub(super) fn quotes(line: &[u8]) -> (usize, usize) {
    let mut depth = 0;
    let mut at = 0;
    while let Some(end) = one_quote(line, at) {
        depth += 1;
        at = end;
    }
    (depth, at)
}

/// Behind one `>` and the blank that belongs to it, or one `|`, which has a blank where a text follows.
fn one_quote(line: &[u8], at: usize) -> Option<usize> {
    let has_blank = line.get(at + 1) == Some(&b' ');
    let is_quote = match line.get(at)? {
        b'>' => true,
        b'|' => has_blank || at + 1 == line.len(),
        _ => false,
    };
    is_quote.then(|| at + 1 + usize::from(has_blank))
}

fn quote(line: &[u8], depth: usize) -> Option<usize> {
    let (own, behind_all) = quotes(line);
    if own == 0 {
        return None;
    }
    // A kernel line ends the quoting, however deep; in any other line `>` may be text (KASAN's `>ffff888012acfb00: fb`).
    if stamp::kernel_len(&line[behind_all..]).is_some() {
        return Some(behind_all);
    }
    (0..depth.min(own)).try_fold(0, |at, _| one_quote(line, at))
}

fn indent(line: &[u8], depth: usize) -> Option<usize> {
    let own = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    if plain(&line[own..]).is_some() {
        return Some(own);
    }
    (own > 0).then_some(own.min(depth))
}

/// How deep most quoted lines are quoted, or the least indentation.
fn depth(layer: Layer, text: &[u8]) -> usize {
    match layer {
        Layer::Quote => {
            let mut counts = [0usize; 17];
            for (_, line) in lines(text) {
                counts[quotes(line).0.min(16)] += 1;
            }
            // Of two that are as common the smaller one: it takes less away.
            (1..=16).rev().max_by_key(|&depth| counts[depth]).unwrap_or(1)
        }
        Layer::Indent => indentation(text),
        _ => 0,
    }
}

/// The least indentation of what stands in the first column of a console, or else of any indented line.
fn indentation(text: &[u8]) -> usize {
    let landmarks = lines(text).filter_map(|(_, line)| landmark(line)).filter(|&own| own > 0);
    let indents = lines(text).filter_map(|(_, line)| {
        let own = line.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        (own > 0 && own < line.len()).then_some(own)
    });
    landmarks.min().or_else(|| indents.min()).unwrap_or(0)
}
