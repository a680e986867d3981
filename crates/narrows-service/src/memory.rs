//! [`keep_freed`]: memory that goes round instead of back to the system.

use std::hint::black_box;

/// Twice this much free memory stays with each thread's allocator: more than a few tunnels at full speed
/// have on their way, and little beside what the system gives to a process by itself.
const KEPT: usize = 2 * 1024 * 1024;

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
