//! HAProxy in the same job: TCP to TLS on the near side, TLS to TCP on the far side.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Failure;
use crate::party::Party;

/// What both sides begin with: no limits that matter here, as many threads as it takes by itself.
const HEAD: &str = "global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  \
                    timeout client 10m\n  timeout server 10m\n";

/// The program's version, as it says it.
pub(crate) fn version(program: &Path) -> String {
    let output = Command::new(program).arg("-v").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.split(' ').nth(2).unwrap_or("?").to_owned()
}

/// TCP to TLS.
pub(crate) fn near(
    program: &Path,
    home: &Path,
    to: SocketAddr,
) -> Result<(Party, SocketAddr), Failure> {
    let authorities = home.join("tls/ca.pem");
    let server = format!(
        "  server far {to} ssl verify required ca-file {} sni str(localhost)",
        authorities.display()
    );
    start(program, home, "", &server)
}

/// TLS to TCP.
pub(crate) fn far(
    program: &Path,
    home: &Path,
    to: SocketAddr,
) -> Result<(Party, SocketAddr), Failure> {
    let pair = home.join("pair.pem");
    let certificate = fs::read_to_string(home.join("tls/certificate.pem"))?;
    let key = fs::read_to_string(home.join("tls/key.pem"))?;
    fs::write(&pair, certificate + &key)?;
    let tls = format!(" ssl crt {}", pair.display());
    start(program, home, &tls, &format!("  server target {to}"))
}

fn start(
    program: &Path,
    home: &Path,
    tls: &str,
    server: &str,
) -> Result<(Party, SocketAddr), Failure> {
    let listen = free()?;
    let file = home.join(format!("haproxy-{}.cfg", listen.port()));
    fs::write(
        &file,
        format!(
            "{HEAD}frontend in\n  bind {listen}{tls}\n  default_backend out\nbackend out\n{server}\n"
        ),
    )?;
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(&file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let party = Party::start(&mut command)?;
    for _ in 0..100 {
        if TcpStream::connect(listen).is_ok() {
            return Ok((party, listen));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("haproxy -f {} does not listen", file.display()).into())
}

/// A port that is free just now: HAProxy does not say which one it was given.
fn free() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
