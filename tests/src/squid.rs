//! A real Squid as the enterprise proxy, with its own configuration on a free port.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::deadline;
use crate::program;
use crate::raw;
use crate::tls::{REMOTE_NAME, Tls};

/// Where distributions put the helper that reads a password file.
const BASIC_HELPERS: &[&str] = &[
    "/usr/lib/squid/basic_ncsa_auth",
    "/usr/lib64/squid/basic_ncsa_auth",
    "/usr/libexec/squid/basic_ncsa_auth",
];

/// The same for the one that answers for Digest.
const DIGEST_HELPERS: &[&str] = &[
    "/usr/lib/squid/digest_file_auth",
    "/usr/lib64/squid/digest_file_auth",
    "/usr/libexec/squid/digest_file_auth",
];

/// A running Squid; dropping it ends it.
#[derive(Debug)]
pub struct Squid {
    /// Its URL for `--proxy`, with user and password if it wants them.
    pub url: String,
    child: Child,
    directory: TempDir,
}

/// One line of Squid's access.log (native format).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `TCP_TUNNEL/200`.
    pub result: String,
    /// Octets sent to the client, heads included.
    pub octets: u64,
    /// `CONNECT`.
    pub method: String,
    /// `host:port` or a URL.
    pub url: String,
    /// The user, or `-`.
    pub user: String,
}

// === impl Squid ===

impl Squid {
    /// Whether Squid can be started here; says so loudly if not.
    ///
    /// # Panics
    ///
    /// Instead, when the environment says that it must.
    pub fn available() -> bool {
        program::installed(&["squid", "openssl"])
            && (basic_helper().is_some() || program::skip("Squid's basic_ncsa_auth is missing"))
    }

    /// Whether it was built with an option, such as `--with-gnutls`.
    ///
    /// # Panics
    ///
    /// When it is not installed; ask [`Squid::available`] first.
    pub fn built_with(option: &str) -> bool {
        let home = std::env::temp_dir();
        program::run(program::command("squid", &home).arg("-v")).contains(&format!("'{option}'"))
    }

    /// Starts a Squid that serves loopback, without or with user and password.
    ///
    /// It resolves [`REMOTE_NAME`] to 127.0.0.1, which nothing else here does.
    ///
    /// # Panics
    ///
    /// When it does not start; the message has its log.
    pub fn start(login: Option<(&str, &str)>) -> Self {
        let userinfo =
            login.map(|(user, password)| format!("{}:{}@", escape(user), escape(password)));
        Self::launch(|place, port| {
            let url = format!("http://{}127.0.0.1:{port}", userinfo.unwrap_or_default());
            (
                url,
                format!("http_port 127.0.0.1:{port}\n{}", access(place, login)),
            )
        })
    }

    /// Starts a Squid that wants user and password by Digest alone; `None` if it has no helper for that,
    /// which is said loudly.
    ///
    /// # Panics
    ///
    /// As [`Squid::start`].
    pub fn by_digest(user: &str, password: &str) -> Option<Self> {
        let helper = DIGEST_HELPERS.iter().map(Path::new);
        let Some(helper) = helper.into_iter().find(|path| path.is_file()) else {
            program::unable("Squid's digest_file_auth is missing");
            return None;
        };
        Some(Self::launch(|place, port| {
            let file = place.join("passwords");
            std::fs::write(&file, format!("{user}:{password}\n")).expect("a writable directory");
            let lines = format!(
                "http_port 127.0.0.1:{port}\n\
                 auth_param digest program {} {}\n\
                 auth_param digest children 1\n\
                 auth_param digest realm narrows\n\
                 acl known proxy_auth REQUIRED\n\
                 http_access allow known\n\
                 http_access deny all",
                helper.display(),
                file.display()
            );
            let (user, password) = (escape(user), escape(password));
            (format!("http://{user}:{password}@127.0.0.1:{port}"), lines)
        }))
    }

    /// Starts a Squid that lets in whom these lines of `squid.conf` say, and goes where they say.
    ///
    /// # Panics
    ///
    /// As [`Squid::start`].
    pub fn obeying(rules: &str) -> Self {
        Self::launch(|_, port| {
            let url = format!("http://127.0.0.1:{port}");
            (url, format!("http_port 127.0.0.1:{port}\n{rules}"))
        })
    }

    /// Starts a Squid that takes its clients in TLS (`https_port`), as `localhost`.
    ///
    /// # Panics
    ///
    /// As [`Squid::start`].
    pub fn in_tls(tls: &Tls) -> Self {
        Self::launch(|place, port| {
            let copy = |file: &Path, name: &str| {
                let copy = place.join(name);
                std::fs::copy(file, &copy).expect("a writable directory");
                copy.display().to_string()
            };
            let certificate = copy(&tls.certificate_file, "certificate.pem");
            let key = copy(&tls.key_file, "key.pem");
            let listen =
                format!("https_port 127.0.0.1:{port} tls-cert={certificate} tls-key={key}");
            let url = format!("https://localhost:{port}");
            (url, format!("{listen}\nhttp_access allow all"))
        })
    }

    /// Starts a Squid that lets a CONNECT pass, reads the ClientHello in it, and ends the connection if it
    /// names this host (`ssl_bump terminate`).
    ///
    /// # Panics
    ///
    /// As [`Squid::start`]; ask [`Squid::that_reads_tls`] first.
    pub fn terminating(name: &str, tls: &Tls) -> Self {
        let program = Self::that_reads_tls().expect("asked before");
        Self::launch_as(program, |place, port| {
            // It presents this certificate to nobody, and does not start without one.
            let pem = [&tls.certificate_file, &tls.key_file]
                .map(|file| std::fs::read_to_string(file).expect("a readable file"));
            let pair = place.join("pair.pem");
            std::fs::write(&pair, pem.concat()).expect("a writable directory");
            let lines = format!(
                "http_port 127.0.0.1:{port} ssl-bump tls-cert={} generate-host-certificates=off\n\
                 acl hello at_step SslBump1\n\
                 acl named ssl::server_name {name}\n\
                 ssl_bump peek hello\n\
                 ssl_bump terminate named\n\
                 ssl_bump splice all\n\
                 http_access allow all",
                pair.display()
            );
            (format!("http://127.0.0.1:{port}"), lines)
        })
    }

    /// The Squid here that was built with OpenSSL, which alone can look into TLS; `None` if there is none,
    /// which is said loudly. Debian's `squid-openssl` excludes its `squid`, so it may go by that name.
    pub fn that_reads_tls() -> Option<&'static str> {
        if program::find("squid-openssl").is_some() {
            return Some("squid-openssl");
        }
        if Self::available() && Self::built_with("--with-openssl") {
            return Some("squid");
        }
        program::unable("no Squid that was built with OpenSSL");
        None
    }

    /// Starts it; `lines` gets its directory and its port, and gives its URL and what is particular in
    /// its configuration.
    fn launch(lines: impl FnOnce(&Path, u16) -> (String, String)) -> Self {
        Self::launch_as("squid", lines)
    }

    fn launch_as(program: &str, lines: impl FnOnce(&Path, u16) -> (String, String)) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        // Started by root, Squid becomes a user of its own, who must get in here.
        open_to_all(directory.path());
        let (url, lines) = lines(directory.path(), raw::closed_port().port());
        let file = directory.path().join("squid.conf");
        let config = config(directory.path(), &lines);
        std::fs::write(&file, config).expect("a writable directory");
        let mut command = program::command(program, directory.path());
        let child = command.arg("-N").arg("-f").arg(file);
        let child = child
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("squid runs");
        let mut squid = Self {
            url,
            child,
            directory,
        };
        squid.wait_until_it_listens();
        squid
    }

    /// Waits for at least `count` lines of access.log and gives all.
    ///
    /// # Panics
    ///
    /// When there are fewer in time, or a line is not of the native format.
    pub fn access(&self, count: usize) -> Vec<Access> {
        deadline::until(&format!("{count} lines of access.log"), || {
            let text = std::fs::read_to_string(self.directory.path().join("access.log")).ok()?;
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines: Vec<Access> = whole.lines().map(Access::parse).collect();
            (lines.len() >= count).then_some(lines)
        })
    }

    /// Reads cache.log for it; a connection on trial would be a line in access.log.
    fn wait_until_it_listens(&mut self) {
        let log = self.directory.path().join("cache.log");
        let child = &mut self.child;
        deadline::until("squid listens", || {
            let gone = child.try_wait().expect("our own child");
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(gone.is_none(), "squid ended: {gone:?}\n{said}");
            ["HTTP", "HTTPS", "SSL bumped HTTP"]
                .iter()
                .any(|form| said.contains(&format!("Accepting {form} Socket connections")))
                .then_some(())
        });
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        // TERM, so that its helpers end with it; it is a child of ours, so the number is still its own.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

// === impl Access ===

impl Access {
    /// `time elapsed client result octets method url user hierarchy type`.
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, result, octets, method, url, user, ..] = fields[..] else {
            panic!("not a line of access.log: {line}");
        };
        Self {
            result: result.to_owned(),
            octets: octets
                .parse()
                .unwrap_or_else(|_| panic!("no count: {line}")),
            method: method.to_owned(),
            url: url.to_owned(),
            user: user.to_owned(),
        }
    }
}

/// Who is let in.
fn access(directory: &Path, login: Option<(&str, &str)>) -> String {
    let Some((user, password)) = login else {
        return "http_access allow all".to_owned();
    };
    let (place, helper) = (directory.display(), basic_helper());
    let helper = helper.expect("asked before").display();
    std::fs::write(directory.join("passwords"), password_file(user, password))
        .expect("a writable directory");
    format!(
        "auth_param basic program {helper} {place}/passwords\n\
         auth_param basic children 1\n\
         auth_param basic realm narrows\n\
         acl known proxy_auth REQUIRED\n\
         http_access allow known\n\
         http_access deny all"
    )
}

/// What every Squid here has, after these lines.
fn config(directory: &Path, lines: &str) -> String {
    let place = directory.display();
    let hosts = format!("127.0.0.1 {REMOTE_NAME} localhost\n");
    std::fs::write(directory.join("hosts"), hosts).expect("a writable directory");
    format!(
        "{lines}\n\
         hosts_file {place}/hosts\n\
         access_log stdio:{place}/access.log squid\n\
         cache_log {place}/cache.log\n\
         buffered_logs off\n\
         cache deny all\n\
         coredump_dir {place}\n\
         forwarded_for delete\n\
         max_filedescriptors 1024\n\
         netdb_filename none\n\
         pid_filename none\n\
         pinger_enable off\n\
         shutdown_lifetime 0 seconds\n\
         visible_hostname squid.test\n"
    )
}

/// Percent-encodes everything but letters and digits, for the user part of a URL.
fn escape(text: &str) -> String {
    let escape = |octet: u8| match octet {
        _ if octet.is_ascii_alphanumeric() => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// One line as `htpasswd` writes it, in a form that Squid's helper reads.
fn password_file(user: &str, password: &str) -> String {
    let home = std::env::temp_dir();
    let mut openssl = program::command("openssl", &home);
    let hash = program::run(openssl.args(["passwd", "-apr1", password]));
    format!("{user}:{hash}")
}

fn basic_helper() -> Option<&'static Path> {
    BASIC_HELPERS
        .iter()
        .map(Path::new)
        .find(|path| path.is_file())
}

fn open_to_all(directory: &Path) {
    let permissions = PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(directory, permissions).expect("our own directory");
}
