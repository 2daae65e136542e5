//! Records as the kernel itself hands them out: `/dev/kmsg`, netconsole, pstore.

use std::io::Write as _;

use super::kernel::{Kernel, kernel_lines, push_prefix};

/// netconsole's `MAX_PRINT_CHUNK`: the bytes of a packet.
const PACKET: usize = 1000;

/// Records of `/dev/kmsg`, some of a device.
pub(super) fn kmsg(log: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        out.extend_from_slice(record_head(number, &kernel).as_bytes());
        out.push(b';');
        out.extend_from_slice(&record_body(number, &text));
    }
    out
}

/// Packets of netconsole's extended form, as `nc -u -l` writes them down: some come late, long ones are cut.
pub(super) fn netconsole(log: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    for (number, (kernel, text)) in kernel_lines(log).into_iter().enumerate() {
        let head = format!("6.12.0-rc1,{}", record_head(number, &kernel));
        let body = record_body(number, &text);
        if head.len() + 1 + body.len() <= PACKET {
            packets.push([head.as_bytes(), b";", &body].concat());
            continue;
        }
        let mut offset = 0;
        for chunk in body.chunks(PACKET - head.len() - ",ncfrag=00000/00000;".len()) {
            packets.push([format!("{head},ncfrag={offset}/{};", body.len()).as_bytes(), chunk].concat());
            offset += chunk.len();
        }
    }
    // Two packets swap their places, unless one is a part of a record: those end without a newline.
    let is_whole = |packet: &[u8]| packet.ends_with(b"\n") && !packet.windows(8).any(|w| w == b",ncfrag=");
    for i in (1..packets.len().saturating_sub(1)).step_by(7) {
        if (i - 1..=i + 1).all(|i| is_whole(&packets[i])) {
            packets.swap(i, i + 1);
        }
    }
    packets.concat()
}

/// Parts of at most 4 KiB, the newest first, as the files of efi-pstore are listed.
pub(super) fn pstore(log: &[u8]) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    for kernel in log.split(|&b| b == b'\n').filter_map(Kernel::parse) {
        let mut line = b"<4>".to_vec();
        push_prefix(&mut line, kernel.micros, kernel.caller);
        line.extend_from_slice(kernel.message);
        line.push(b'\n');
        if parts.last().is_some_and(|part| part.len() + line.len() > 4096 && !part.is_empty()) {
            parts.push(Vec::new());
        }
        parts.last_mut().expect("there is one").extend_from_slice(&line);
    }
    let mut out = Vec::new();
    for (number, part) in parts.iter().rev().enumerate().filter(|(_, part)| !part.is_empty()) {
        let _ = writeln!(out, "Panic#2 Part{}", number + 1);
        out.extend_from_slice(part);
    }
    out
}

fn record_head(number: usize, kernel: &Kernel<'_>) -> String {
    let caller = kernel.caller.map_or(String::new(), |id| format!(",caller={}", String::from_utf8_lossy(id)));
    format!("4,{},{},-{caller}", 300 + number, kernel.micros)
}

/// A record's text with its escapes, and the dictionary of a device behind some.
fn record_body(number: usize, text: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for &byte in text {
        if !(b' '..127).contains(&byte) || byte == b'\\' {
            let _ = write!(body, "\\x{byte:02x}");
        } else {
            body.push(byte);
        }
    }
    body.push(b'\n');
    if number % 20 == 3 {
        body.extend_from_slice(b" SUBSYSTEM=pci\n DEVICE=+pci:0000:00:1f.2\n");
    }
    body
}
