//! [`Destination`]: where lines go, in one word.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::syslog::SyslogAddress;

/// Where the lines of a sink go.
///
/// - `stdout` or `-`: standard output
/// - a path with a `/` in it, or `file:` and a path: a file, appended to
/// - `syslog`: the daemon at `/dev/log`; `syslog:` and a path: at another socket
/// - `syslog+udp://host:514`, `syslog+tcp://host:601`: a daemon elsewhere
/// - `journald`: the journal; `journald:` and a path: at another socket
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// A file.
    File(PathBuf),
    /// journald, at this socket.
    Journald(PathBuf),
    /// Standard output.
    Stdout,
    /// A syslog daemon.
    Syslog(SyslogAddress),
}

/// A text that names no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownDestination {
    /// Neither a path nor a known word.
    #[error(
        "write stdout, a path with a `/`, journald, syslog, syslog+udp://host:514 or syslog+tcp://host:601"
    )]
    Word,
    /// A syslog daemon elsewhere without its port, or with one that is none.
    #[error("write host and port, as in syslog+udp://loghost.example:514")]
    Port,
}

impl FromStr for Destination {
    type Err = UnknownDestination;

    fn from_str(text: &str) -> Result<Self, UnknownDestination> {
        match text {
            "-" | "stdout" => return Ok(Self::Stdout),
            "journald" => return Ok(Self::Journald(JOURNALD.into())),
            "syslog" => return Ok(Self::Syslog(SyslogAddress::Local(SYSLOG.into()))),
            _ => {}
        }
        if let Some(address) = text.strip_prefix("syslog+udp://") {
            return Ok(Self::Syslog(SyslogAddress::Udp(host_and_port(address)?)));
        }
        if let Some(address) = text.strip_prefix("syslog+tcp://") {
            return Ok(Self::Syslog(SyslogAddress::Tcp(host_and_port(address)?)));
        }
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("journald", path)) if path.contains('/') => Ok(Self::Journald(path.into())),
            Some(("syslog", path)) if path.contains('/') && !path.starts_with("//") => {
                Ok(Self::Syslog(SyslogAddress::Local(path.into())))
            }
            _ if text.contains("://") || !text.contains('/') => Err(UnknownDestination::Word),
            _ => Ok(Self::File(text.into())),
        }
    }
}

/// As it is written in settings; standard output as `on standard output`, which is read in sentences.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => {
                let bare = path.display().to_string();
                // A name alone, or one with `://` in it, would be read as something else, or not at all.
                let is_plain = bare.parse().as_ref() == Ok(self);
                write!(f, "{}{bare}", if is_plain { "" } else { "file:" })
            }
            Self::Journald(path) if path.as_os_str() == JOURNALD => f.write_str("journald"),
            Self::Journald(path) => write!(f, "journald:{}", path.display()),
            Self::Stdout => f.write_str("on standard output"),
            Self::Syslog(SyslogAddress::Local(path)) if path.as_os_str() == SYSLOG => {
                f.write_str("syslog")
            }
            Self::Syslog(SyslogAddress::Local(path)) => write!(f, "syslog:{}", path.display()),
            Self::Syslog(SyslogAddress::Tcp(address)) => write!(f, "syslog+tcp://{address}"),
            Self::Syslog(SyslogAddress::Udp(address)) => write!(f, "syslog+udp://{address}"),
        }
    }
}

/// `host:port`, the host a name or an address, IPv6 in brackets.
fn host_and_port(text: &str) -> Result<Box<str>, UnknownDestination> {
    let (host, port) = text.rsplit_once(':').ok_or(UnknownDestination::Port)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    let fits = bracketed || (!host.is_empty() && host.chars().all(plain));
    match port.parse::<u16>() {
        Ok(1..) if fits => Ok(text.into()),
        _ => Err(UnknownDestination::Port),
    }
}

/// Where syslog daemons listen.
const SYSLOG: &str = "/dev/log";
/// Where journald listens.
const JOURNALD: &str = "/run/systemd/journal/socket";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(text: &str, expected: &str) {
        let found: Destination = text.parse().unwrap();
        assert_eq!(format!("{found:?}"), expected, "{text}");
    }

    #[test]
    fn words_and_paths_are_told_apart() {
        is("-", "Stdout");
        is("stdout", "Stdout");
        is("/var/log/a.log", "File(\"/var/log/a.log\")");
        is("./a.log", "File(\"./a.log\")");
        is("file:a.log", "File(\"a.log\")");
        is("journald", "Journald(\"/run/systemd/journal/socket\")");
        is("syslog", "Syslog(Local(\"/dev/log\"))");
        is("syslog:/run/log", "Syslog(Local(\"/run/log\"))");
        is("syslog+udp://[::1]:514", "Syslog(Udp(\"[::1]:514\"))");
        is(
            "syslog+tcp://logs.example:601",
            "Syslog(Tcp(\"logs.example:601\"))",
        );
        for wrong in [
            "",
            "jurnald",
            "syslog+tls://a:1",
            "syslog:x",
            "http://a/b",
            "file:",
        ] {
            assert_eq!(
                wrong.parse::<Destination>(),
                Err(UnknownDestination::Word),
                "{wrong}"
            );
        }
        for wrong in [
            "syslog+udp://a",
            "syslog+udp://a:0",
            "syslog+tcp://:1",
            "syslog+tcp://a b:1",
        ] {
            assert_eq!(
                wrong.parse::<Destination>(),
                Err(UnknownDestination::Port),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "/a/b",
            "file:a.log",
            "file:/a/b://c",
            "file:syslog:/a",
            "journald",
            "journald:/a/b",
            "syslog",
            "syslog:/a/b",
            "syslog+tcp://a:1",
            "syslog+udp://[::1]:2",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
    }
}
