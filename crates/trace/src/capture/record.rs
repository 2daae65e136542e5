//! Records of `/dev/kmsg` and of netconsole's extended form (kernel/printk/printk.c, `info_print_ext_header`;
//! Documentation/networking/netconsole.rst).
//!
//! `[release,]priority,sequence,microseconds,flags[,caller=T12][,ncfrag=offset/length];text`, where the text has `\x1b` for
//! bytes that do not print, and lines ` KEY=value` of its device behind it. netconsole sends a record in packets of at
//! most 1000 bytes, which may come in any order and, written to a file as they come, without a newline between them.

mod body;

use memchr::{memchr, memmem};

use body::Body;

use super::entry::{Message, Writer};
use super::lines::lines;
use super::map::Out;
use super::stamp::number;

/// Packets that come later than this many records behind their turn start a new boot's log.
const LATE: i64 = 256;

/// The head of a record, or of a fragment of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'l> {
    sequence: i64,
    micros: i64,
    caller: Option<&'l [u8]>,
    /// The record goes on where the one before it ended (`LOG_CONT` of kernels before 4.10).
    goes_on: bool,
    /// The fragment's offset in the body.
    fragment: Option<i64>,
    /// Where the body starts.
    body: usize,
    /// How many bytes of the head all fragments of the record share.
    shared: usize,
}

impl<'l> Record<'l> {
    /// Reads the head at the start of a line.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        let mut at = 0;
        // A release starts with a digit too, but is no number.
        let (_, mut len) = number(line)?;
        if line.get(len) != Some(&b',') {
            at = memchr(b',', &line[..line.len().min(128)])? + 1;
            len = number(&line[at..])?.1;
        }
        let mut field = |value_len: usize| {
            at += value_len;
            (line.get(at) == Some(&b',')).then(|| at += 1)?;
            number(&line[at..])
        };
        let (sequence, len) = field(len)?;
        let (micros, len) = field(len)?;
        at += len;
        let flags = line.get(at..at + 2)?;
        if flags[0] != b',' || !matches!(flags[1], b'-' | b'c' | b'+') {
            return None;
        }
        let end = at + memchr(b';', &line[at..line.len().min(at + 128)])?;
        let mut record = Record {
            sequence,
            micros,
            caller: None,
            goes_on: flags[1] == b'+',
            fragment: None,
            body: end + 1,
            shared: at + 2,
        };
        let mut at = at + 2;
        for extra in line[at..end].split(|&b| b == b',').skip(1) {
            if let Some(id) = extra.strip_prefix(b"caller=") {
                record.caller = Some(id);
            } else if let Some(fragment) = extra.strip_prefix(b"ncfrag=") {
                record.fragment = number(fragment).map(|(offset, _)| offset);
                record.shared = at + 8;
            }
            at += 1 + extra.len();
        }
        Some(record)
    }
}

/// Writes the messages of the records to `out`, in the order in which they were printed.
pub(super) fn peel(text: &[u8], out: &mut Out) {
    let mut pieces = pieces(text);
    // Stable, so that what is no record stays behind the record that it followed.
    if !pieces.is_sorted_by_key(Piece::key) {
        pieces.sort_by_key(Piece::key);
    }
    let (mut prefix, mut body) = (Vec::new(), Body::default());
    let mut next = pieces.iter().peekable();
    while let Some(piece) = next.next() {
        let Some(head) = piece.head(text) else {
            out.push(piece.body(text), piece.from as usize);
            out.newline(piece.end as usize);
            continue;
        };
        Writer::Kernel { micros: head.micros, caller: head.caller }.prefix(&mut prefix);
        let mut message = Message::new(out, &prefix);
        body.gather(text, piece, &mut next);
        body.unescape(|part, at| message.push(part, at));
        while let Some(more) =
            next.next_if(|more| more.boot == piece.boot && more.head(text).is_some_and(|h| h.goes_on))
        {
            body.gather(text, more, &mut next);
            body.unescape(|part, at| message.push(part, at));
        }
        message.end(body.end);
    }
}

/// A record, a fragment of one, or a line that is neither. Offsets are those of a text below 4 GiB.
#[derive(Debug)]
struct Piece {
    boot: u32,
    kind: Kind,
    /// The record's sequence number; for a line that is no record, that of the record before it.
    sequence: i64,
    /// The fragment's offset in the body, 0 for a whole record.
    offset: u32,
    start: u32,
    from: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Fragment,
    /// A fragment behind which the record's dictionary starts.
    LastFragment,
    Other,
}

impl Piece {
    fn key(&self) -> (u32, i64, bool, u32) {
        (self.boot, self.sequence, self.kind == Kind::Other, self.offset)
    }

    fn head<'t>(&self, text: &'t [u8]) -> Option<Record<'t>> {
        let line = text.get(self.start as usize..self.end as usize)?;
        if self.kind == Kind::Other { None } else { Record::read(line) }
    }

    fn body<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.from as usize..self.end as usize).unwrap_or_default()
    }
}

fn pieces(text: &[u8]) -> Vec<Piece> {
    let narrow = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut boot, mut newest, mut sequence) = (0, i64::MIN, i64::MIN);
    for (at, line) in lines(text) {
        let mut from = 0;
        while let Some(head) = Record::read(&line[from..]) {
            sequence = head.sequence;
            if sequence < newest.saturating_sub(LATE) {
                boot += 1;
                newest = i64::MIN;
            }
            newest = newest.max(sequence);
            let body = from + head.body;
            // The next packet of the same record may follow without a newline.
            let same = head.fragment.and_then(|_| memmem::find(&line[body..], &line[from..from + head.shared]));
            let end = same.map_or(line.len(), |len| body + len);
            pieces.push(Piece {
                boot,
                kind: if head.fragment.is_some() { Kind::Fragment } else { Kind::Whole },
                sequence,
                offset: head.fragment.and_then(|offset| u32::try_from(offset).ok()).unwrap_or(0),
                start: narrow(at + from),
                from: narrow(at + body),
                end: narrow(at + end),
            });
            from = end;
            if same.is_none() {
                break;
            }
        }
        if from > 0 {
            continue;
        }
        match pieces.last_mut() {
            Some(last) if line.starts_with(b" ") && memchr(b'=', line).is_some() => {
                if last.kind == Kind::Fragment {
                    last.kind = Kind::LastFragment;
                }
            }
            _ => {
                let (start, end) = (narrow(at), narrow(at + line.len()));
                pieces.push(Piece { boot, kind: Kind::Other, sequence, offset: 0, start, from: start, end });
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peeled(text: &str) -> String {
        let mut out = Out::for_source(text.as_bytes());
        peel(text.as_bytes(), &mut out);
        String::from_utf8_lossy(&out.text).into_owned()
    }

    #[test]
    fn records_become_lines() {
        let text =
            "6,339,5140900,-;a\\x09b\\x5cx\n SUBSYSTEM=pci\n DEVICE=+pci:0\n4,340,5140901,c,caller=T12;c\\x0ad\\x5c\n";
        assert_eq!(peeled(text), "[    5.140900] a\tb\\x\n[    5.140901][   T12] c\n[    5.140901][   T12] d\\\n");
    }

    #[test]
    fn continued_lines_are_one_line() {
        let text = "6,1,5140900,c;a \n6,2,5140901,+;b\n6,3,5140902,-;c\n";
        assert_eq!(peeled(text), "[    5.140900] a b\n[    5.140902] c\n");
    }

    #[test]
    fn fragments_are_put_together_however_they_come() {
        let whole = "[    1.758426] the first chunk, the 2nd chunk.\n";
        for text in [
            "6,416,1758426,-,ncfrag=0/31;the first chunk,6,416,1758426,-,ncfrag=16/31; the 2nd chunk.\n",
            "6,416,1758426,-,ncfrag=0/31;the first chunk,\n6,416,1758426,-,ncfrag=16/31; the 2nd chunk.\n",
            "6.12.0-rc1,6,416,1758426,-,ncfrag=16/31; the 2nd chunk.\n6.12.0-rc1,6,416,1758426,-,ncfrag=0/31;the first chunk,\n",
            "6,416,1758426,-,ncfrag=0/31;the first chunk,\n6,416,1758426,-,ncfrag=0/31;the first chunk,\n6,416,1758426,-,ncfrag=16/31; the 2nd chunk.\n",
            "6,416,1758426,-,ncfrag=0/60;the first chunk, the 2nd chunk.\n SUBSYSTEM=6,416,1758426,-,ncfrag=41/60;pci\n",
        ] {
            assert_eq!(peeled(text), whole, "{text}");
        }
    }

    #[test]
    fn late_packets_find_their_place_and_a_reboot_starts_again() {
        let text = "6,901,2000000,-;b\n6,900,1000000,-;a\nnoise\n6,0,0,-;c\n6,1,0,-;d\n";
        let want = "[    1.000000] a\nnoise\n[    2.000000] b\n[    0.000000] c\n[    0.000000] d\n";
        assert_eq!(peeled(text), want);
    }

    #[test]
    fn what_is_almost_a_record_is_text() {
        for text in ["6,339,5140900,-no", "6,339,x,-;a", "6,339", "mmap(1,2,3,4,-;", "1,2,3,*;"] {
            assert_eq!(Record::read(text.as_bytes()), None, "{text}");
        }
    }
}
