//! What a compressed kernel image unpacks to.

use std::io::{self, Read};

/// What a compressed file may unpack to whatever its size, bytes.
const SMALL: u64 = 64 << 20;
/// Kernels shrink by 3 to 10: what unpacks to more than 64 times its size is a trap.
const MAX_RATIO: u64 = 64;
/// No kernel is larger, with all its debug information.
pub const LARGEST: u64 = 4 << 30;
/// The kernel is packed with a dictionary of 128 MiB at most, KiB.
const XZ_MEMORY: u32 = 256 << 10;

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Lz4,
}

/// Whether bytes begin as a compressed file does.
pub fn is_compressed(head: &[u8]) -> bool {
    compression(head).is_some()
}

fn compression(head: &[u8]) -> Option<Compression> {
    const FORMATS: [(&[u8], Compression); 5] = [
        (b"\x1f\x8b", Compression::Gzip),
        (b"\xfd7zXZ\0", Compression::Xz),
        (b"\x28\xb5\x2f\xfd", Compression::Zstd),
        (b"BZh", Compression::Bzip2),
        (LZ4, Compression::Lz4),
    ];
    FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, format)| *format)
}

/// Names compressions of the kernel's build that are not read.
pub fn packed_as(payload: &[u8]) -> &'static str {
    const UNREAD: [(&[u8], &str); 2] =
        [(b"\x5d\0\0", "packed by lzma, which is not read"), (b"\x89LZO", "packed by lzo, which is not read")];
    UNREAD.iter().find(|(magic, _)| payload.starts_with(magic)).map_or("not packed in a known way", |(_, what)| what)
}

/// Unpacks the first stream; `None` where the bytes are not compressed. What follows the stream is left alone: in a
/// bzImage that is the unpacked size.
pub fn unpack(packed: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let Some(format) = compression(packed) else { return Ok(None) };
    let limit = (packed.len() as u64).saturating_mul(MAX_RATIO).clamp(SMALL, LARGEST);
    let mut bytes = Vec::new();
    match format {
        Compression::Gzip => limited(&mut flate2::bufread::GzDecoder::new(packed), limit, &mut bytes),
        Compression::Xz => {
            let mut reader = lzma_rust2::XzReader::new_mem_limit(packed, false, XZ_MEMORY);
            limited(&mut reader, limit, &mut bytes)
        }
        Compression::Zstd => limited(&mut zstd::Decoder::with_buffer(packed)?.single_frame(), limit, &mut bytes),
        Compression::Bzip2 => limited(&mut bzip2::bufread::BzDecoder::new(packed), limit, &mut bytes),
        Compression::Lz4 => lz4(packed, limit, &mut bytes),
    }?;
    Ok(Some(bytes))
}

/// The old frame of lz4, which the kernel's build takes (lz4_Frame_format.md, "Legacy frame"): blocks with their sizes.
const LZ4: &[u8] = b"\x02\x21\x4c\x18";
/// What a block of that frame unpacks to at most, bytes.
const LZ4_BLOCK: usize = 8 << 20;

fn lz4(packed: &[u8], limit: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut rest = packed.get(LZ4.len()..).unwrap_or_default();
    let mut block = vec![0; LZ4_BLOCK];
    // Too few bytes for a size and a block: in a bzImage that is the unpacked size, else nothing.
    while let Some((size, tail)) = rest.split_first_chunk::<4>().filter(|(_, tail)| !tail.is_empty()) {
        let size = u32::from_le_bytes(*size) as usize;
        let packed = tail.get(..size).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let unpacked = lz4_flex::block::decompress_into(packed, &mut block).map_err(io::Error::other)?;
        limited(&mut &block[..unpacked], limit.saturating_sub(bytes.len() as u64), bytes)?;
        rest = &tail[size..];
    }
    Ok(())
}

/// Reads to the end, which must come within so many bytes.
pub fn limited(reader: &mut dyn Read, limit: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let read = reader.take(limit + 1).read_to_end(bytes)? as u64;
    if read > limit {
        return Err(io::Error::other("unpacks to far more than a kernel of its size does"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// Some bytes in each format.
    fn packed(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(bytes).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
        bzip2.write_all(bytes).unwrap();
        let mut xz = Command::new("xz").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        xz.stdin.take().unwrap().write_all(bytes).unwrap();
        let xz = xz.wait_with_output().unwrap().stdout;
        let block = lz4_flex::block::compress(bytes);
        let lz4 = [LZ4, &(block.len() as u32).to_le_bytes(), &block].concat();
        let zstd = zstd::encode_all(bytes, 1).unwrap();
        vec![gzip.finish().unwrap(), bzip2.finish().unwrap(), xz, lz4, zstd]
    }

    #[test]
    fn damaged_images_are_refused_or_unpacked() {
        let bytes: Vec<u8> = (0..600_u32).map(|n| (n * n / 7) as u8).collect();
        for packed in packed(&bytes) {
            assert_eq!(unpack(&packed).unwrap().as_ref(), Some(&bytes));
            let mut refused = 0;
            for at in 0..packed.len() {
                let changed = |to: u8| [&packed[..at], &[to], &packed[at + 1..]].concat();
                for damaged in [packed[..at].to_vec(), changed(0), changed(0xff), changed(packed[at] ^ 1)] {
                    match unpack(&damaged) {
                        Ok(Some(bytes)) => assert!(bytes.len() as u64 <= SMALL),
                        Ok(None) => assert!(!is_compressed(&damaged)),
                        Err(_) => refused += 1,
                    }
                }
            }
            assert!(refused > packed.len() / 4, "{refused} of {}", packed.len());
        }
    }
}
