//! Laws of decoding.

use ksplat::{Decoder, Token};

use crate::{ensure, shown};

/// Each frame stands in a line of its own, in order, and is text of that line.
pub(crate) fn tokens_stand_in_their_lines(text: &[u8]) -> Result<(), String> {
    let mut last = 0;
    for Token { line, found, .. } in Decoder::default().tokens(text) {
        ensure!(last <= line.start, "a line starts at {}, the one before ends at {last}", line.start);
        ensure!(line.start == 0 || text[line.start - 1] == b'\n', "{} is within a line", line.start);
        ensure!(matches!(text.get(line.end), None | Some(b'\n')), "{} is within a line", line.end);
        let Some(line_text) = text.get(line.clone()) else {
            return Err(format!("{line:?} of {}", text.len()));
        };
        let symbol = line_text.get(found.symbol.clone()).unwrap_or_default();
        let is_name = symbol.starts_with(found.frame.function.as_bytes());
        ensure!(is_name, "{} for {:?}", shown(symbol), found.frame);
        last = line.end;
    }
    Ok(())
}

/// A text in pieces of whole lines has the tokens of the whole.
pub(crate) fn pieces_have_the_same_tokens(text: &[u8]) -> Result<(), String> {
    let whole = Decoder::default().tokens(text);
    let (mut decoder, mut at, mut pieces) = (Decoder::default(), 0, Vec::new());
    for piece in text.chunk_by(|a, b| *a != b'\n' || b.is_ascii_alphabetic()) {
        for token in decoder.tokens(piece) {
            pieces.push(Token { line: token.line.start + at..token.line.end + at, ..token });
        }
        at += piece.len();
    }
    ensure!(pieces == whole, "{} tokens in pieces, {} in the whole", pieces.len(), whole.len());
    Ok(())
}
