//! [`keys`]: the keys of [`Section`](super::Section) for people.

use crate::config::Key;

/// Every key of [`Section`](super::Section), for a program whose log is `file` (an example, as TOML) and holds
/// what `doc` says.
pub const fn keys(file: &'static str, doc: &'static str) -> [Key; 9] {
    [
        Key::new("log.file", file, r#""-""#, doc),
        Key::new(
            "log.format",
            r#""json""#,
            r#""arcproxy""#,
            "The form of its lines: `arcproxy`, or one line for each request as `squid`, `clf` or `json` write it.",
        ),
        Key::new(
            "log.sinks[].to",
            r#""journald""#,
            "none",
            "In place of `log.file`, as many as there are `[[log.sinks]]`: `stdout`, a path with a `/`, `journald`, `syslog` (also `syslog:/a/socket`), `syslog+udp://host:514` or `syslog+tcp://host:601`.",
        ),
        Key::new(
            "log.sinks[].format",
            r#""json""#,
            "`log.format`",
            "The form of this sink's lines.",
        ),
        Key::new(
            "log.sinks[].facility",
            r#""local4""#,
            r#""daemon""#,
            "The facility of syslog messages: `daemon`, `user`, `auth`, `authpriv` or `local0` to `local7`.",
        ),
        Key::new(
            "log.sinks[].rotate_mib",
            "100",
            "none",
            "A file of this size is put aside, with the date behind its name; in MiB.",
        ),
        Key::new(
            "log.sinks[].rotate_hours",
            "24",
            "none",
            "A file of this age is put aside.",
        ),
        Key::new(
            "log.sinks[].keep",
            "7",
            "7",
            "How many files that were put aside are kept.",
        ),
        Key::new(
            "log.sinks[].compress",
            "true",
            "false",
            "Whether files that were put aside are compressed with gzip.",
        ),
    ]
}
