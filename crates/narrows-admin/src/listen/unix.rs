//! A Unix socket that has its mode from its first moment, and leaves nothing behind.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::SocketMode;

/// A listening Unix socket and its file.
#[derive(Debug)]
pub(super) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode: the file of a process that came after this one is not ours to remove.
    file: (u64, u64),
}

impl UnixSocket {
    /// Binds inside a directory that nobody else can enter, sets the mode, and only then moves the socket
    /// to its place: there is no moment in which others could open it, or in which there is no socket.
    pub(super) fn bind(path: &Path, mode: SocketMode) -> io::Result<Self> {
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        is_replaceable(path)?;
        let private = path.with_file_name(private_name());
        DirBuilder::new().mode(0o700).create(&private)?;
        let bound = bind_in(&private, path, mode);
        // It is empty, or of no use.
        let _ = fs::remove_dir_all(&private);
        bound
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file) {
            // Gone already is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Of eight hexadecimal digits, which [`Address`](crate::Address) leaves room for. Seeded by the system: what
/// a process left behind that died here is in nobody's way, also if the next one has its number.
fn private_name() -> String {
    let [.., a, b, c, d] = RandomState::new().build_hasher().finish().to_be_bytes();
    format!(".{:08x}", u32::from_be_bytes([a, b, c, d]))
}

fn bind_in(private: &Path, path: &Path, mode: SocketMode) -> io::Result<UnixSocket> {
    let new = private.join("s");
    let listener = UnixListener::bind(&new)?;
    let mode = match mode {
        SocketMode::Group => 0o660,
        SocketMode::Owner => 0o600,
    };
    fs::set_permissions(&new, Permissions::from_mode(mode))?;
    fs::rename(&new, path)?;
    Ok(UnixSocket {
        listener,
        path: path.to_owned(),
        file: identity(path)?,
    })
}

/// Whether there is nothing, or a socket that nobody listens on. A file of another kind stays: somebody
/// mistyped a path.
fn is_replaceable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;

    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket",
        )),
        _ => Ok(()),
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_the_owner_may_open_it_and_it_goes_with_its_process() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let socket = UnixSocket::bind(&path, SocketMode::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let (accepted, connected) = tokio::join!(socket.accept(), UnixStream::connect(&path));
        accepted.unwrap();
        connected.unwrap();
        drop(socket);
        assert!(!path.exists());
    }

    /// As containers do, where a service is process 1 each time.
    #[tokio::test]
    async fn what_a_process_with_this_number_left_behind_is_in_nobodys_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let left = path.with_extension(format!("{}.new", std::process::id()));
        fs::create_dir(&left).unwrap();
        UnixSocket::bind(&path, SocketMode::Owner).unwrap();
    }

    #[tokio::test]
    async fn the_longest_path_that_is_an_address_can_be_bound() {
        let directory = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
        let at = directory.path().to_str().unwrap();
        for (deep, name) in [(91, 11), (40, 62)] {
            let deep = format!("{at}/{}", "x".repeat(deep - at.len() - 1));
            fs::create_dir(&deep).unwrap();
            let text = format!("{deep}/{}", "y".repeat(name));
            let address: Result<crate::Address, _> = text.parse();
            assert!(address.is_ok(), "{text}: {address:?}");
            UnixSocket::bind(text.as_ref(), SocketMode::Owner).unwrap();
        }
    }

    #[tokio::test]
    async fn replaces_what_is_left_over_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = UnixSocket::bind(&path, SocketMode::Group).unwrap();
        assert_eq!(mode(&path), 0o660);
        let taken = UnixSocket::bind(&path, SocketMode::Group).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(first);

        fs::write(&path, "precious").unwrap();
        let refused = UnixSocket::bind(&path, SocketMode::Group).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn leaves_the_socket_of_a_later_process_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let old = UnixSocket::bind(&path, SocketMode::Owner).unwrap();
        fs::remove_file(&path).unwrap();
        let _new = UnixSocket::bind(&path, SocketMode::Owner).unwrap();
        drop(old);
        assert!(path.exists());
    }
}
