//! `Code:` lines of the labelled reports in `../shared/corpus/decompile`, which objdump disassembled.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use signature::Title;
use symbolize::code;
use trace::Log;
use trace::format::Trap;

/// A line of a listing: whether it trapped, its offset and bytes, and its mnemonic and operands without white space.
fn parts(line: &str) -> (bool, &str, &str, String) {
    let mut columns = line[1..].split('\t');
    let (offset, bytes) = (columns.next().unwrap(), columns.next().unwrap());
    let text = columns.next().unwrap_or("").split(" <--").next().unwrap_or("");
    (
        line.starts_with('*') && line.ends_with("<-- trapping instruction"),
        offset.trim(),
        bytes.trim(),
        text.split_whitespace().collect(),
    )
}

#[test]
fn listings_agree_with_objdump() {
    let Some(shared) = testkit::shared_or_skip("symbolize::code") else {
        return;
    };
    let mut listings = 0;
    for n in 0..5 {
        let folder = shared.join("corpus/decompile");
        let before = std::fs::read(folder.join(format!("{n}.in"))).unwrap();
        let after = std::fs::read(folder.join(format!("{n}.out"))).unwrap();
        let want = String::from_utf8(after.strip_prefix(&before[..]).unwrap().to_vec()).unwrap();
        let log = Log::parse(&before, trace::Rules::Syzbot);
        let title = Title::of(&log.splats().next().unwrap());
        let got = if title.crash_type.is_some_and(|kind| kind.name() == "HANG") {
            String::new()
        } else {
            code::listing(before.split(|b| *b == b'\n'), Trap::At).map_or(String::new(), |listing| listing.to_string())
        };
        let (got, want): (Vec<_>, Vec<_>) = (got.lines().collect(), want.lines().collect());
        assert_eq!(got.len(), want.len(), "{n}: {got:#?}");
        listings += usize::from(!want.is_empty());
        assert_eq!(got.get(..2), want.get(..2), "{n}: the header");
        for (got, want) in got.iter().zip(&want).skip(2) {
            assert_eq!(parts(got), parts(want), "{n}");
        }
    }
    assert_eq!(listings, 1);
}

#[test]
fn code_lines_of_any_length_take_linear_time() {
    let mut text = b"Code: <48>".to_vec();
    text.extend(b" 66".repeat(2_000_000));
    assert_eq!(code::listing([&text[..]], Trap::At), None);
    let line = b"Code: 66 66 66 66 66 66 66 66 06 <0f> 0b";
    assert_eq!(code::listing(std::iter::repeat_n(&line[..], 100_000), Trap::At), None);
}
