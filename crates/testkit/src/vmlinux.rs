//! Small kernels and modules for tests: a list of functions becomes an ELF file with symbols, code and DWARF 5.
//!
//! The image has the traps of real ones: a note of type 3 by Xen before the build-id, a line table whose file 1 is not
//! the unit's, symbols without size, sections of a module that all start at 0. Nothing depends on the machine.

mod code;
mod dwarf;
mod elf;
mod function;
mod layout;
#[cfg(test)]
mod tests;

pub use function::{Call, Function, Inline};
use layout::Layout;
pub use layout::{Symbol, SymbolKind};

/// A kernel-like image for x86_64, to be filled and [written](Vmlinux::write).
///
/// ```
/// use testkit::{Function, Inline, Vmlinux};
///
/// let kernel = Vmlinux::new()
///     .build_id(&[0xab; 20])
///     .function(Function::new("leaf", 0x30).file("mm/leaf.c").line(7))
///     .function(
///         Function::new("root", 0x40).file("mm/root.c").line(10).calls("leaf", 0x25).inlined(
///             Inline::new("helper", "include/linux/helper.h", 20).range(0x18..0x30).called_at(12).row(0x20, 22),
///         ),
///     );
/// assert_eq!(kernel.frame("root", 0x25), "root+0x25/0x40");
/// assert_eq!(kernel.chain("root", 0x24)[0].line, 22); // one before the return address: in the call
/// let file = kernel.write();
/// assert_eq!(&file[..4], b"\x7fELF");
/// ```
#[derive(Clone, Debug)]
pub struct Vmlinux {
    kind: Kind,
    functions: Vec<Function>,
    objects: Vec<(String, u64)>,
    banner: String,
    build_id: Vec<u8>,
    build_directory: String,
    dwarf: bool,
    aranges: bool,
    prefixes: bool,
    compressed: bool,
    leftovers: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// `ET_EXEC`.
    Kernel,
    /// `ET_REL`, with the module's name.
    Module(String),
}

impl Default for Vmlinux {
    fn default() -> Self {
        Vmlinux::new()
    }
}

impl Vmlinux {
    /// Starts a kernel: linked (`ET_EXEC`), with `.text` at `0xffffffff81000000`.
    pub fn new() -> Self {
        Vmlinux {
            kind: Kind::Kernel,
            functions: Vec::new(),
            objects: Vec::new(),
            banner: String::new(),
            build_id: Vec::new(),
            build_directory: "/usr/src/linux".into(),
            dwarf: true,
            aranges: true,
            prefixes: false,
            compressed: false,
            leftovers: false,
        }
    }

    /// Starts a module: relocatable (`ET_REL`), every section at 0.
    pub fn module(name: &str) -> Self {
        Vmlinux { kind: Kind::Module(name.into()), ..Vmlinux::new() }
    }

    /// Adds a function behind those that its section has.
    pub fn function(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// Adds a global variable of `size` bytes to `.data`; in a module it overlaps the first functions of `.text`.
    pub fn object(mut self, name: &str, size: u64) -> Self {
        self.objects.push((name.into(), size));
        self
    }

    /// Sets the content of `linux_banner` (`Linux version …`), in `.rodata`; without it there is no such symbol.
    pub fn banner(mut self, banner: &str) -> Self {
        self.banner = banner.into();
        self
    }

    /// Adds the GNU build-id note, 20 bytes in real images; without it there is none, but a kernel keeps Xen's notes.
    pub fn build_id(mut self, id: &[u8]) -> Self {
        self.build_id = id.to_vec();
        self
    }

    /// Sets the directory that file names are relative to, `/usr/src/linux` unless told otherwise.
    pub fn build_directory(mut self, directory: &str) -> Self {
        self.build_directory = directory.into();
        self
    }

    /// Leaves out all debug sections.
    pub fn without_dwarf(mut self) -> Self {
        self.dwarf = false;
        self
    }

    /// Leaves out `.debug_aranges`, as clang does.
    pub fn without_aranges(mut self) -> Self {
        self.aranges = false;
        self
    }

    /// Puts a `__pfx_` symbol with 16 bytes of NOPs before each function, as `CONFIG_CALL_PADDING` does.
    pub fn prefixes(mut self) -> Self {
        self.prefixes = true;
        self
    }

    /// Compresses the debug sections (`SHF_COMPRESSED` with zlib).
    pub fn compressed(mut self) -> Self {
        self.compressed = true;
        self
    }

    /// Leaves `.rela.debug_*` in a kernel, as `--emit-relocs` does, but with wrong addends: who applies them is found out.
    pub fn leftover_relocations(mut self) -> Self {
        self.leftovers = true;
        self
    }

    /// Writes the ELF file.
    ///
    /// # Panics
    ///
    /// If offsets lie outside of their function, or a kernel's function calls one that is not there.
    pub fn write(&self) -> Vec<u8> {
        elf::write(self, &self.layout())
    }

    /// All symbols with their places, in the order of the functions.
    pub fn symbols(&self) -> Vec<Symbol> {
        self.layout().symbols
    }

    /// The first symbol called `name`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn symbol(&self, name: &str) -> Symbol {
        let mut symbols = self.symbols().into_iter();
        symbols.find(|symbol| symbol.name == name).unwrap_or_else(|| panic!("the image has no symbol {name}"))
    }

    /// How an oops prints `offset` in the first symbol called `name`: `vfs_write+0xc1/0x240`, in a module with its name.
    ///
    /// # Panics
    ///
    /// If there is no such symbol.
    pub fn frame(&self, name: &str, offset: u64) -> String {
        let size = self.symbol(name).kernel_size;
        match &self.kind {
            Kind::Kernel => format!("{name}+{offset:#x}/{size:#x}"),
            Kind::Module(module) => format!("{name}+{offset:#x}/{size:#x} [{module}]"),
        }
    }

    /// The [chain](Function::chain) of the first function called `name` at `offset`.
    ///
    /// # Panics
    ///
    /// If there is no such function.
    pub fn chain(&self, name: &str, offset: u64) -> Vec<Call> {
        let function = self.functions.iter().find(|function| function.name == name);
        function.unwrap_or_else(|| panic!("the image has no function {name}")).chain(offset)
    }

    fn layout(&self) -> Layout {
        for function in &self.functions {
            function.assert_sound();
        }
        Layout::new(self)
    }
}
