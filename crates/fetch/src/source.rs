//! Lines of a source tree, around a place that debug information names.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};

use crate::tree::is_file_within;

/// Lines shown before and behind the one that is meant.
const AROUND: usize = 2;
/// No source file is larger.
const LARGEST: u64 = 16 << 20;
/// Longer lines are cut.
const WIDEST: usize = 200;

/// The line of a file below a source tree and those around it, each with its number, the one that is meant marked by `>`.
///
/// Nothing where the file is not there, where its name leads out of the tree, and where it has no such line.
pub fn around(tree: &Path, file: &str, line: usize) -> Vec<String> {
    let file = Path::new(file);
    let path = tree.join(file);
    let is_below = file.components().all(|part| matches!(part, Component::Normal(_)));
    let mut bytes = Vec::new();
    let read = |bytes: &mut Vec<u8>| File::open(&path).and_then(|file| file.take(LARGEST).read_to_end(bytes));
    if !is_below || !is_file_within(tree, &path) || read(&mut bytes).is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let numbered = text.lines().enumerate().map(|(number, text)| (number + 1, text));
    let near = numbered.skip(line.saturating_sub(AROUND + 1)).take_while(|(number, _)| *number <= line + AROUND);
    let lines: Vec<(usize, &str)> = near.collect();
    if !lines.iter().any(|(number, _)| *number == line) {
        return Vec::new();
    }
    let show = |(number, text): &(usize, &str)| {
        let mark = if *number == line { '>' } else { ' ' };
        format!("{mark}{number:>6} {}", text.chars().take(WIDEST).collect::<String>())
    };
    lines.iter().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_marked_and_nothing_outside_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tree")).unwrap();
        std::fs::write(folder.path().join("tree/a.c"), "one\ntwo\nthree\nfour\nfive\n").unwrap();
        std::fs::write(folder.path().join("secret"), "s\n").unwrap();
        std::os::unix::fs::symlink("../secret", folder.path().join("tree/link")).unwrap();
        let tree = folder.path().join("tree");
        assert_eq!(around(&tree, "a.c", 2), ["      1 one", ">     2 two", "      3 three", "      4 four"]);
        assert_eq!(around(&tree, "a.c", 5), ["      3 three", "      4 four", ">     5 five"]);
        for (file, line) in [("a.c", 6), ("a.c", 0), ("../secret", 1), ("link", 1), ("/etc/passwd", 1), ("b.c", 1)] {
            assert_eq!(around(&tree, file, line), [""; 0], "{file}:{line}");
        }
    }
}
