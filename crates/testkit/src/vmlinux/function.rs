//! What a test says about one function: its size, its lines, the calls inlined into it and the calls it makes.

use std::ops::Range;

/// One function of a synthetic image. Offsets are in bytes from its first instruction, like those of an oops.
///
/// Offsets at or past [`Function::new`]'s size belong to the part that [`Function::cold`] splits off.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) cold: u64,
    pub(super) section: String,
    pub(super) local: bool,
    pub(super) described: bool,
    pub(super) body: Inline,
    pub(super) calls: Vec<(u64, String)>,
    pub(super) code: Vec<(u64, Vec<u8>)>,
    pub(super) labels: Vec<(u64, String)>,
    pub(super) aliases: Vec<String>,
}

/// One inlined call inside a [`Function`] or inside another inlined call.
#[derive(Clone, Debug)]
pub struct Inline {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) call_line: u32,
    pub(super) ranges: Vec<Range<u64>>,
    pub(super) rows: Vec<(u64, u32)>,
    pub(super) inlined: Vec<Inline>,
}

/// One entry of the chain that an address stands for: what a correct symbolizer answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name in the source, without what compilers append (`.cold`, `.isra.0`).
    pub function: String,
    /// The path as the compiler was given it, relative to the build directory.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// Whether the compiler inlined this call into the next one of the chain.
    pub inlined: bool,
}

impl Function {
    /// Describes a global function of `.text` with `size` bytes, in line 1 of `kernel/main.c`.
    ///
    /// The name is the symbol's: `foo.isra.0` gets the DWARF name `foo` and an abstract origin, as GCC writes it.
    pub fn new(name: &str, size: u64) -> Self {
        Function {
            name: name.into(),
            size,
            cold: 0,
            section: ".text".into(),
            local: false,
            described: true,
            body: Inline::new(source_name(name), "kernel/main.c", 1).range(0..size),
            calls: Vec::new(),
            code: Vec::new(),
            labels: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// Sets the source file, which is also the compilation unit: functions of one file share a unit.
    pub fn file(mut self, file: &str) -> Self {
        self.body.file = file.into();
        self
    }

    /// Sets the line of the declaration, which is also the line of the first instruction.
    pub fn line(mut self, line: u32) -> Self {
        self.body.line = line;
        self
    }

    /// Starts `line` at `offset`; it lasts to the next row or inlined call.
    pub fn row(mut self, offset: u64, line: u32) -> Self {
        self.body = self.body.row(offset, line);
        self
    }

    /// Adds an inlined call. Where it ends, the caller goes on in the line of the call unless a row says otherwise.
    pub fn inlined(mut self, call: Inline) -> Self {
        self.body = self.body.inlined(call);
        self
    }

    /// Puts a `call` of `callee` so that it returns to `offset`: `a+0x15/0x40` is the frame of `.calls("b", 0x15)`.
    ///
    /// A vmlinux must have the callee; a module may call what it does not define.
    pub fn calls(mut self, callee: &str, offset: u64) -> Self {
        self.calls.push((offset, callee.into()));
        self
    }

    /// Puts machine code at `offset`, over what is there: `&[0x0f, 0x0b]` is the `ud2` of a `BUG()`.
    pub fn code(mut self, offset: u64, bytes: &[u8]) -> Self {
        self.code.push((offset, bytes.to_vec()));
        self
    }

    /// Splits off a last part of `size` bytes as the local symbol `<name>.cold`, away from the rest.
    pub fn cold(mut self, size: u64) -> Self {
        self.cold = size;
        self.body.ranges.clear();
        self.body = self.body.range(0..self.size + size);
        self
    }

    /// Adds a `NOTYPE` symbol of size 0 at `offset`, such as `entry_SYSCALL_64_after_hwframe`.
    pub fn label(mut self, name: &str, offset: u64) -> Self {
        self.labels.push((offset, name.into()));
        self
    }

    /// Adds a weak symbol with the same address and size.
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// Makes the symbol local (`static` in C), so that others may have its name.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// Puts the function into another section, such as `.init.text`.
    pub fn section(mut self, name: &str) -> Self {
        self.section = name.into();
        self
    }

    /// Leaves the function without a DIE, as assembler and `COND_SYSCALL` stubs are; its lines stay.
    pub fn undescribed(mut self) -> Self {
        self.described = false;
        self
    }

    /// What a correct symbolizer answers for `offset`, innermost call first.
    pub fn chain(&self, offset: u64) -> Vec<Call> {
        let mut scope = &self.body;
        let mut outward = Vec::new();
        while let Some(inner) = scope.inlined.iter().find(|call| call.covers(offset)) {
            outward.push((scope, inner.call_line));
            scope = inner;
        }
        outward.push((scope, scope.line_at(offset)));
        let calls = outward.iter().enumerate().rev().map(|(depth, (scope, line))| Call {
            function: scope.name.clone(),
            file: scope.file.clone(),
            line: *line,
            inlined: depth > 0,
        });
        calls.collect()
    }

    /// Where a new row of the line table may start: ascending, without duplicates.
    pub(super) fn boundaries(&self) -> Vec<u64> {
        let mut offsets = vec![self.size];
        self.body.boundaries(&mut offsets);
        offsets.sort_unstable();
        offsets.dedup();
        offsets
    }

    /// Panics where offsets lie outside of what surrounds them: such an image would prove nothing.
    pub(super) fn assert_sound(&self) {
        let end = self.size + self.cold;
        self.body.assert_sound(&self.name);
        for (offset, callee) in &self.calls {
            let room = if *offset > self.size { self.size + 5 } else { 5 };
            assert!((room..=end).contains(offset), "{}: no room for a call of {callee} before {offset:#x}", self.name);
        }
        for (offset, bytes) in &self.code {
            assert!(offset + bytes.len() as u64 <= end, "{}: code at {offset:#x} is outside", self.name);
        }
    }
}

impl Inline {
    /// Describes a call of `name`, declared in `file` at `line`. It needs a range and a call line too.
    pub fn new(name: &str, file: &str, line: u32) -> Self {
        Inline {
            name: name.into(),
            file: file.into(),
            line,
            call_line: line,
            ranges: Vec::new(),
            rows: Vec::new(),
            inlined: Vec::new(),
        }
    }

    /// Adds the bytes that the inlined code takes, in offsets of the function; GCC often scatters one call.
    pub fn range(mut self, range: Range<u64>) -> Self {
        self.ranges.push(range);
        self
    }

    /// Sets the line of the caller that holds the call.
    pub fn called_at(mut self, line: u32) -> Self {
        self.call_line = line;
        self
    }

    /// Starts `line` at `offset` of the function; it lasts to the next row or inlined call.
    pub fn row(mut self, offset: u64, line: u32) -> Self {
        self.rows.push((offset, line));
        self
    }

    /// Adds a call that was inlined into this one.
    pub fn inlined(mut self, call: Inline) -> Self {
        self.inlined.push(call);
        self
    }

    fn covers(&self, offset: u64) -> bool {
        self.ranges.iter().any(|range| range.contains(&offset))
    }

    /// The line that this scope itself has at `offset`: a row, or the call that was inlined before it.
    fn line_at(&self, offset: u64) -> u32 {
        let calls = self.inlined.iter().flat_map(|call| call.ranges.iter().map(|range| (range.start, call.call_line)));
        let starts = calls.chain(self.rows.iter().copied()).filter(|(start, _)| *start <= offset);
        starts.max_by_key(|(start, _)| *start).map_or(self.line, |(_, line)| line)
    }

    fn boundaries(&self, offsets: &mut Vec<u64>) {
        offsets.extend(self.ranges.iter().flat_map(|range| [range.start, range.end]));
        offsets.extend(self.rows.iter().map(|(offset, _)| *offset));
        for call in &self.inlined {
            call.boundaries(offsets);
        }
    }

    fn assert_sound(&self, function: &str) {
        for call in &self.inlined {
            assert!(!call.ranges.is_empty(), "{function}: the inlined call of {} has no range", call.name);
            for range in &call.ranges {
                let inside = self.ranges.iter().any(|outer| outer.start <= range.start && range.end <= outer.end);
                assert!(
                    inside && range.start < range.end,
                    "{function}: {} leaves its caller at {range:#x?}",
                    call.name
                );
            }
            call.assert_sound(function);
        }
    }
}

/// The name in the source of a symbol: compilers append after a dot.
pub(super) fn source_name(symbol: &str) -> &str {
    symbol.split_once('.').map_or(symbol, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(function: &Function, offset: u64) -> Vec<(String, u32)> {
        function.chain(offset).into_iter().map(|call| (call.function, call.line)).collect()
    }

    #[test]
    fn a_chain_is_innermost_first_and_outer_lines_are_call_lines() {
        let deep = Inline::new("deep", "include/deep.h", 3).range(0x18..0x20).called_at(22);
        let middle = Inline::new("middle", "mm/middle.h", 20).range(0x10..0x20).called_at(12).inlined(deep);
        let outer = Function::new("outer.isra.0", 0x40).line(10).inlined(middle).row(0x30, 15);
        assert_eq!(lines(&outer, 0), [("outer".into(), 10)]);
        assert_eq!(lines(&outer, 0x10), [("middle".into(), 20), ("outer".into(), 12)]);
        assert_eq!(lines(&outer, 0x18), [("deep".into(), 3), ("middle".into(), 22), ("outer".into(), 12)]);
        assert_eq!(lines(&outer, 0x20), [("outer".into(), 12)], "the line of the call goes on after it");
        assert_eq!(lines(&outer, 0x30), [("outer".into(), 15)]);
    }

    #[test]
    #[should_panic(expected = "leaves its caller")]
    fn an_inlined_call_outside_of_its_caller_is_refused() {
        Function::new("f", 0x10).inlined(Inline::new("g", "g.h", 1).range(8..0x18)).assert_sound();
    }
}
