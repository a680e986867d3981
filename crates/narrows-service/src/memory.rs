//! [`keep_freed`]: memory that goes round instead of back to the system.

use std::hint::black_box;

/// Twice this much free memory stays with each thread's allocator: what a tunnel at full speed has on its way,
/// and little beside what the system gives to a process by itself. With half of it, two such tunnels by HTTP/2
/// cost a proxy a sixth more processor time; with twice as much a twentieth less, but then what a process weighs
/// at rest is up to how much was on its way when the load ended.
const KEPT: usize = 1024 * 1024;

/// Lets glibc's allocator keep free memory instead of returning it at once; elsewhere it does nothing.
///
/// Bytes of HTTP/2 tunnels pass through buffers of 64 KiB, and by default glibc gives memory back as soon as
/// 128 KiB are free: the next buffer is then mapped, zeroed and faulted in anew, which costs a quarter of the
/// processor time of such a tunnel. glibc raises that limit by itself to twice the size of a large block that
/// was freed (mallopt(3), M_MMAP_THRESHOLD), and setting it outright would need unsafe code.
pub fn keep_freed() {
    // Not touched, so it costs two system calls and no memory.
    drop(black_box(Vec::<u8>::with_capacity(KEPT)));
}
