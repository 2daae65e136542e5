//! Shapes from their texts.

use memchr::memmem;

use super::Shape;
use super::group::{Gap, Group};
use super::part::{Part, is_hex, is_word};

impl Shape {
    /// Compiles a shape. The shapes are part of the program: a bad one panics, and a test compiles them all.
    pub fn new(shape: &str) -> Shape {
        let mut groups = Vec::new();
        let (mut gap, mut parts, mut text) = (Gap::None, Vec::new(), Vec::new());
        let mut chars = shape.trim_start_matches('^').chars();
        let mut scratch = [0; 4];
        while let Some(c) = chars.next() {
            let next = match c {
                '…' => Gap::SameLine,
                '⏎' => Gap::LaterLine,
                '¶' => Gap::NextLine,
                '%' if chars.as_str().starts_with('T') => {
                    chars.next();
                    Gap::Task
                }
                '%' => {
                    flush(&mut text, &mut parts);
                    parts.push(part(chars.next().expect("a letter follows %")));
                    continue;
                }
                '(' | '{' => {
                    flush(&mut text, &mut parts);
                    let end = if c == '(' { ')' } else { '}' };
                    let inside: String = chars.by_ref().take_while(|c| *c != end).collect();
                    let texts = inside.split('|').map(|t| t.as_bytes().into()).collect();
                    parts.push(Part::OneOf(texts, c == '{'));
                    continue;
                }
                c => {
                    let c = if c == '\\' { chars.next().expect("a character follows \\") } else { c };
                    text.extend_from_slice(c.encode_utf8(&mut scratch).as_bytes());
                    continue;
                }
            };
            flush(&mut text, &mut parts);
            groups.push(Group::new(std::mem::replace(&mut gap, next), std::mem::take(&mut parts)));
        }
        flush(&mut text, &mut parts);
        if !parts.is_empty() {
            groups.push(Group::new(gap, parts));
        }
        Shape { at_text_start: shape.starts_with('^'), groups }
    }
}

/// The part that `%` and this letter stand for.
fn part(letter: char) -> Part {
    match letter {
        'f' | 'F' => Part::Function(letter == 'f'),
        's' | 'S' => Part::Source(letter == 's'),
        'p' => Part::Address,
        'P' => Part::MaybeAddress,
        'm' => Part::Allocator,
        'x' => Part::Class(is_hex, false),
        'd' => Part::Class(|b| b.is_ascii_digit(), false),
        'k' => Part::Class(|b| b.is_ascii_lowercase() || b == b'-', true),
        'i' => Part::Class(|b| b.is_ascii_lowercase() || b == b'_', true),
        'w' => Part::Class(is_word, true),
        'l' => Part::Lazy,
        'r' => Part::Rest(0),
        'n' => Part::Rest(1),
        '_' => Part::Spaces(1),
        '~' => Part::Spaces(0),
        '$' => Part::Blank,
        _ => panic!("unknown part %{letter} in a shape"),
    }
}

/// Ends a run of plain text.
fn flush(text: &mut Vec<u8>, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(Box::new(memmem::Finder::new(text).into_owned())));
        text.clear();
    }
}
