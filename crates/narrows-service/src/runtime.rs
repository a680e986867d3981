//! [`runtime`]: the runtime that suits the machine.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime with a thread for each core that this process may use, sockets and timers switched on.
///
/// On one core it has no threads that steal work from each other: there they only cost.
///
/// # Errors
///
/// The operating system's.
pub fn runtime() -> io::Result<Runtime> {
    let one_core = std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut builder = if one_core {
        Builder::new_current_thread()
    } else {
        Builder::new_multi_thread()
    };
    builder.enable_all().build()
}
