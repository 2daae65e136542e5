//! Which build an image is: build-id, version banner, module name.

use std::fmt;

use object::elf;
use object::read::elf::SectionHeader as _;

use crate::Image;
use crate::elf::Section;

/// A GNU build-id, printed as the kernel does: lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BuildId<'d>(pub &'d [u8]);

impl BuildId<'_> {
    /// Whether a log's hex digits are this build-id; upper case is taken too.
    pub fn is(&self, hex: &str) -> bool {
        self.to_string().eq_ignore_ascii_case(hex)
    }
}

impl fmt::Display for BuildId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Note sections larger than this are no kernel's.
const MAX_NOTES: u64 = 64 << 10;

impl<'d> Image<'d> {
    /// The build-id: the note of type 3 whose owner is `GNU`.
    ///
    /// The owner matters: `.notes` of an x86 kernel has a Xen note of type 3 in front (`XEN_ELFNOTE_VIRT_BASE`).
    pub fn build_id(&self) -> Option<BuildId<'d>> {
        let small = |section: &&Section| section.sh_size(self.endian) <= MAX_NOTES;
        for section in self.sections.iter().filter(small) {
            let Ok(Some(mut notes)) = section.notes(self.endian, self.data) else {
                continue;
            };
            while let Ok(Some(note)) = notes.next() {
                if note.name() == b"GNU"
                    && note.n_type(self.endian).0 == elf::NT_GNU_BUILD_ID.0
                    && !note.desc().is_empty()
                {
                    return Some(BuildId(note.desc()));
                }
            }
        }
        None
    }

    /// The kernel's `linux_banner`: `Linux version 6.1.0-50-cloud-amd64 (…) #1 SMP …`, without the line end.
    pub fn banner(&self) -> Option<&'d str> {
        let text = self.section_bytes(".rodata").and_then(banner_in);
        text.or_else(|| self.section_bytes(".init.rodata").and_then(banner_in))
    }

    /// The module's name: `.modinfo`'s `name=`, else the one in `struct module` (`.gnu.linkonce.this_module`).
    ///
    /// Where both are missing the file's stem is the name, which the caller knows.
    pub fn module_name(&self) -> Option<&'d str> {
        self.modinfo("name").or_else(|| {
            // struct module: enum module_state state; struct list_head list; char name[MODULE_NAME_LEN]; …
            let bytes = self.section_bytes(".gnu.linkonce.this_module")?.get(24..)?;
            c_string(bytes).filter(|name| !name.is_empty())
        })
    }

    /// The release and options that a module was built for: `6.1.0-50-cloud-amd64 SMP preempt mod_unload modversions `.
    pub fn vermagic(&self) -> Option<&'d str> {
        self.modinfo("vermagic")
    }

    /// The value of a `key=value` string in `.modinfo`.
    pub fn modinfo(&self, key: &str) -> Option<&'d str> {
        let strings = self.section_bytes(".modinfo")?.split(|byte| *byte == 0);
        strings.filter_map(|string| std::str::from_utf8(string).ok()).find_map(|string| {
            let (name, value) = string.split_once('=')?;
            (name == key).then_some(value)
        })
    }
}

fn banner_in(bytes: &[u8]) -> Option<&str> {
    // init/version.c has a weak copy for the first link, without the build's number: "# SMP" instead of "#1 SMP".
    memchr::memmem::find_iter(bytes, b"Linux version ").find_map(|at| {
        let text = c_string(&bytes[at..])?.trim_end();
        let mut numbers = text.match_indices(" #").map(|(at, _)| &text[at + 2..]);
        numbers.any(|number| number.starts_with(|c: char| c.is_ascii_digit())).then_some(text)
    })
}

fn c_string(bytes: &[u8]) -> Option<&str> {
    let end = memchr::memchr(0, bytes)?;
    std::str::from_utf8(&bytes[..end]).ok()
}
