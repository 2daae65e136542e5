//! The compressed kernel inside of a bzImage (`vmlinuz`), by the x86 boot protocol.

use crate::Error;

/// Where the setup header says what it is (Documentation/arch/x86/boot.rst).
const MAGIC: usize = 0x202;
/// The first protocol version that says where the payload lies (2.08).
const HAS_PAYLOAD: u16 = 0x0208;
/// Unit of `setup_sects`, bytes.
const SECTOR: usize = 512;

/// The compressed vmlinux of a bzImage; `None` where the bytes are no bzImage.
///
/// Which compression it is, its first bytes say; the format's stream ends before the payload does, since the build
/// appends the unpacked size. What it unpacks to is the ELF file without its symbols, then relocations.
pub fn boot_payload(data: &[u8]) -> Option<Result<&[u8], Error>> {
    if data.get(MAGIC..MAGIC + 4)? != b"HdrS" {
        return None;
    }
    let bad = Error::Malformed("the boot header points outside of the file".to_owned());
    if half(data, 0x206)? < HAS_PAYLOAD {
        return Some(Err(Error::Malformed(
            "a boot protocol before 2.08 does not say where the kernel lies".to_owned(),
        )));
    }
    Some(payload(data).ok_or(bad))
}

fn payload(data: &[u8]) -> Option<&[u8]> {
    // For compatibility 0 means 4.
    let setup = match *data.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = ((setup + 1) * SECTOR).checked_add(word(data, 0x248)?)?;
    data.get(start..start.checked_add(word(data, 0x24c)?)?)
}

fn half(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

fn word(data: &[u8], at: usize) -> Option<usize> {
    let bytes = data.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(setup: u8, offset: u32, length: u32) -> Vec<u8> {
        let mut data = vec![0; 0x2000];
        data[0x1f1] = setup;
        data[MAGIC..MAGIC + 4].copy_from_slice(b"HdrS");
        data[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
        data[0x248..0x24c].copy_from_slice(&offset.to_le_bytes());
        data[0x24c..0x250].copy_from_slice(&length.to_le_bytes());
        data[0xa00 + 0x40] = 7;
        data
    }

    #[test]
    fn the_payload_is_where_the_header_says() {
        for setup in [0, 4] {
            let data = image(setup, 0x40, 5);
            assert_eq!(boot_payload(&data), Some(Ok(&[7, 0, 0, 0, 0][..])));
        }
        assert_eq!(boot_payload(b"\x7fELF"), None);
        assert_eq!(boot_payload(&[0; 0x400]), None);
    }

    #[test]
    fn a_payload_outside_of_the_file_is_an_error() {
        for (offset, length) in [(0x40, 0x10000), (u32::MAX, 1), (1, u32::MAX), (0x4000, 0)] {
            assert!(boot_payload(&image(4, offset, length)).unwrap().is_err(), "{offset:#x} {length:#x}");
        }
        let mut old = image(4, 0x40, 5);
        old[0x206] = 7;
        assert!(boot_payload(&old).unwrap().is_err());
        assert_eq!(boot_payload(&image(4, 0x40, 5)[..0x240]).map(|payload| payload.is_err()), Some(true));
    }
}
