//! Where a linker and the module loader would put functions, and the symbol sizes that kallsyms makes of that.

use super::function::Function;
use super::{Kind, Vmlinux};

/// Where `.text` of a kernel starts before KASLR moves it.
const TEXT: u64 = 0xffff_ffff_8100_0000;
/// Where the other executable sections of a kernel start.
const OTHER_TEXT: u64 = 0xffff_ffff_8300_0000;
/// Where the sections without code start.
const DATA: u64 = 0xffff_ffff_8200_0000;
const PAGE: u64 = 0x1000;
const FUNCTION_ALIGN: u64 = 16;

/// A symbol of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The name, with what compilers append.
    pub name: String,
    /// The section's name.
    pub section: String,
    /// The link address in a kernel, the offset in its section in a module.
    pub address: u64,
    /// `st_size`, in bytes.
    pub size: u64,
    /// The size that an oops prints: the distance to the next symbol, or to the end of the kernel's or module's text.
    pub kernel_size: u64,
    /// What `st_info` says of it.
    pub kind: SymbolKind,
    /// Whether it is local to its file.
    pub local: bool,
}

/// The ELF type of a [`Symbol`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// `STT_FUNC`.
    Function,
    /// `STT_FUNC` with weak binding.
    Alias,
    /// `STT_NOTYPE`.
    Label,
    /// `STT_OBJECT`.
    Object,
}

/// Every executable section, part and symbol with its place.
pub(super) struct Layout {
    pub(super) sections: Vec<TextSection>,
    pub(super) parts: Vec<Part>,
    pub(super) symbols: Vec<Symbol>,
    /// The address of the sections without code: `.rodata`, then `.data`.
    pub(super) data: [u64; 2],
}

/// An executable section.
pub(super) struct TextSection {
    pub(super) name: String,
    /// The link address; 0 in a module.
    pub(super) address: u64,
    pub(super) size: u64,
}

/// The contiguous bytes of a function, or of its cold part.
pub(super) struct Part {
    /// The index in [`Vmlinux`]'s list.
    pub(super) function: usize,
    /// The index in [`Layout::sections`].
    pub(super) section: usize,
    /// Where it starts in its section.
    pub(super) offset: u64,
    /// The function's offset that its first byte has.
    pub(super) first: u64,
    pub(super) size: u64,
}

impl Layout {
    pub(super) fn new(image: &Vmlinux) -> Self {
        let mut layout = Layout { sections: Vec::new(), parts: Vec::new(), symbols: Vec::new(), data: [0; 2] };
        layout.section(".text");
        for (index, function) in image.functions.iter().enumerate() {
            let section = layout.section(&function.section);
            let padding = if image.prefixes { FUNCTION_ALIGN } else { 0 };
            layout.place(Part { function: index, section, offset: padding, first: 0, size: function.size });
        }
        for (index, function) in image.functions.iter().enumerate().filter(|(_, function)| function.cold > 0) {
            let section = match image.kind {
                Kind::Kernel => layout.section(&function.section),
                Kind::Module(_) => layout.section(".text.unlikely"),
            };
            layout.place(Part { function: index, section, offset: 0, first: function.size, size: function.cold });
        }
        if image.kind == Kind::Kernel {
            layout.sections[0].address = TEXT;
            let mut next = OTHER_TEXT;
            for section in &mut layout.sections[1..] {
                section.address = next;
                next += section.size.next_multiple_of(PAGE);
            }
            layout.data = [DATA, DATA + PAGE * (1 + image.banner.len() as u64 / PAGE)];
        }
        layout.name(image);
        layout.measure(image);
        layout
    }

    /// The address of a part's byte that has the function's `offset`.
    pub(super) fn address(&self, part: &Part, offset: u64) -> u64 {
        self.sections[part.section].address + part.offset + offset - part.first
    }

    fn section(&mut self, name: &str) -> usize {
        self.sections.iter().position(|section| section.name == name).unwrap_or_else(|| {
            self.sections.push(TextSection { name: name.into(), address: 0, size: 0 });
            self.sections.len() - 1
        })
    }

    /// Appends a part; its `offset` is the room that it wants before it. Cold parts are not aligned.
    fn place(&mut self, mut part: Part) {
        let section = &mut self.sections[part.section];
        let align = if part.first == 0 { FUNCTION_ALIGN } else { 1 };
        part.offset += section.size.next_multiple_of(align);
        section.size = part.offset + part.size;
        self.parts.push(part);
    }

    /// Lists the symbols in the order of their parts.
    fn name(&mut self, image: &Vmlinux) {
        let mut symbols = Vec::new();
        let mut add = |name: &str, section: &str, address, size, kind, local| {
            let (name, section) = (name.into(), section.into());
            symbols.push(Symbol { name, section, address, size, kernel_size: 0, kind, local });
        };
        if image.kind == Kind::Kernel {
            let edges = [("_text", ".text", false), ("_stext", ".text", false), ("_etext", ".text", true)];
            let init = [("_sinittext", ".init.text", false), ("_einittext", ".init.text", true)];
            for (name, section, is_end) in edges.into_iter().chain(init) {
                if let Some(place) = self.sections.iter().find(|place| place.name == section) {
                    let address = place.address + if is_end { place.size } else { 0 };
                    add(name, section, address, 0, SymbolKind::Label, false);
                }
            }
        }
        for part in &self.parts {
            let function: &Function = &image.functions[part.function];
            let section = &self.sections[part.section].name;
            let address = self.address(part, part.first);
            if part.first > 0 {
                add(&format!("{}.cold", function.name), section, address, part.size, SymbolKind::Function, true);
                continue;
            }
            if image.prefixes {
                let (name, start) = (format!("__pfx_{}", function.name), address - FUNCTION_ALIGN);
                add(&name, section, start, FUNCTION_ALIGN, SymbolKind::Function, function.local);
            }
            add(&function.name, section, address, part.size, SymbolKind::Function, function.local);
            for alias in &function.aliases {
                add(alias, section, address, part.size, SymbolKind::Alias, false);
            }
            for (offset, label) in &function.labels {
                add(label, section, address + offset, 0, SymbolKind::Label, false);
            }
        }
        if !image.banner.is_empty() {
            add("linux_banner", ".rodata", self.data[0], image.banner.len() as u64 + 1, SymbolKind::Object, false);
        }
        let mut address = self.data[1];
        for (name, size) in &image.objects {
            add(name, ".data", address, *size, SymbolKind::Object, false);
            address += size.next_multiple_of(8);
        }
        self.symbols = symbols;
    }

    /// Computes the sizes that the kernel prints, from where the symbols lie in memory.
    fn measure(&mut self, image: &Vmlinux) {
        let (regions, ends) = self.regions(image);
        let place = |symbol: &Symbol| {
            let index = self.sections.iter().position(|section| section.name == symbol.section)?;
            let (region, bias) = regions[index];
            Some((region, bias + symbol.address))
        };
        let mut places: Vec<_> = self.symbols.iter().filter_map(place).collect();
        places.extend(ends.iter().enumerate().map(|(region, end)| (region, end.next_multiple_of(PAGE))));
        places.sort_unstable();
        let size = |symbol: &Symbol| {
            let (region, start) = place(symbol)?;
            let (_, next) = places.iter().find(|(of, address)| *of == region && *address > start)?;
            Some(next - start)
        };
        let sizes: Vec<_> = self.symbols.iter().map(size).collect();
        for (symbol, size) in self.symbols.iter_mut().zip(sizes) {
            symbol.kernel_size = size.unwrap_or(symbol.size);
        }
    }

    /// For each section its region of memory and what to add to its addresses; for each region its end.
    ///
    /// The module loader lays out executable sections one behind the other, those of `.init` in a region of
    /// their own, so that the last function of `.text` is measured to the first of `.exit.text`.
    fn regions(&self, image: &Vmlinux) -> (Vec<(usize, u64)>, Vec<u64>) {
        let mut regions = Vec::new();
        let mut ends = Vec::new();
        if image.kind == Kind::Kernel {
            regions.extend((0..self.sections.len()).map(|index| (index, 0)));
            ends.extend(self.sections.iter().map(|section| section.address + section.size));
        } else {
            ends.extend([0, 0]);
            for section in &self.sections {
                let region = usize::from(section.name.starts_with(".init"));
                let start: u64 = ends[region];
                let start = start.next_multiple_of(FUNCTION_ALIGN);
                regions.push((region, start));
                ends[region] = start + section.size;
            }
        }
        (regions, ends)
    }
}
