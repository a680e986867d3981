//! `init`: everything for a trial on one machine.

use std::io;
use std::path::{Path, PathBuf};

use jiff::ToSpan as _;
use narrows_service::files::{self, Readers};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::cli::Init;
use crate::commands::{self, CommandError};
use crate::definition::{Definition, Wanted};
use crate::settings::Settings;
use crate::store::Store;
use crate::tokens::TokenFile;

/// Why there is no trial.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// Definitions or tokens.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A file cannot be written, or is there already.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: Box<str>,
        /// What the system said.
        error: io::Error,
    },
}

/// Makes the files and says how to use them.
///
/// Nothing that exists is replaced. The authority's key is thrown away once the certificate is signed,
/// so nobody can sign another.
///
/// # Errors
///
/// [`InitError`], for instance because there is a gateway of that name already.
pub fn init(settings: &Settings, init: &Init) -> Result<String, InitError> {
    let definition = Definition::new(Wanted {
        name: TRIAL
            .parse()
            .map_err(io::Error::other)
            .map_err(|error| at(Path::new(TRIAL), error))?,
        features: commands::features(&init.allowed_features),
        location: "local".into(),
        resource_group: "narrows".into(),
        domain: settings.domain.clone(),
    })
    .map_err(CommandError::from)?;
    let store = Store::new(settings.definitions());
    store.create(&definition).map_err(CommandError::from)?;
    let authority = settings.directory.join("tls/ca.pem");
    let endpoint = definition.gateway_endpoint.name().as_str();
    certificates(settings, &authority, endpoint)?;
    let tokens = TokenFile::new(settings.tokens());
    let secret = tokens.issue(TRIAL, None, commands::now());
    let secret = secret.map_err(CommandError::from)?;
    let token = settings.directory.join("trial.token");
    write(&token, &format!("{}\n", secret.expose()), Readers::Owner)?;
    Ok(lines(settings, &authority, &token, secret.expose()))
}

fn certificates(settings: &Settings, authority: &Path, endpoint: &str) -> Result<(), InitError> {
    let issuer = issuer()?;
    let wildcard = format!("*.gw.{}", settings.domain);
    let names = ["localhost", "127.0.0.1", "::1", endpoint, &wildcard];
    let mut params = CertificateParams::new(names.map(ToOwned::to_owned))?;
    params.distinguished_name = named("Narrows gateway (trial)");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    valid_for_a_year(&mut params);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    write(authority, &issuer.pem(), Readers::All)?;
    write(&settings.tls.certificate, &certificate.pem(), Readers::All)?;
    write(&settings.tls.key, &key.serialize_pem(), Readers::Owner)
}

fn issuer() -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("Narrows trial authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for_a_year(&mut params);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// From yesterday, for clocks that are late, to a year from now.
fn valid_for_a_year(params: &mut CertificateParams) {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let date = |day: jiff::civil::Date| {
        let [month, day_of_month] = [day.month(), day.day()].map(i8::unsigned_abs);
        date_time_ymd(day.year().into(), month, day_of_month)
    };
    params.not_before = date(today.saturating_sub(1.day()));
    params.not_after = date(today.saturating_add(1.year()));
}

fn write(path: &Path, text: &str, readers: Readers) -> Result<(), InitError> {
    let parent = path.parent().unwrap_or(path);
    std::fs::create_dir_all(parent).map_err(|error| at(parent, error))?;
    files::create(path, text.as_bytes(), readers).map_err(|error| at(path, error))
}

fn at(path: &Path, error: io::Error) -> InitError {
    InitError::Io {
        path: path.to_string_lossy().into(),
        error,
    }
}

fn lines(settings: &Settings, authority: &Path, file: &Path, token: &str) -> String {
    let port = settings
        .listen
        .first()
        .map_or(8443, std::net::SocketAddr::port);
    let (directory, authority) = (quoted(&settings.directory), quoted(authority));
    let file = quoted(file);
    format!(
        "narrows-gateway --dir {directory}\n\
         curl --proxy https://localhost:{port} --proxy-cacert {authority} --proxy-user {TRIAL}:{token} https://aka.ms/\n\
         narrows-proxy --gateway https://localhost:{port} --gateway-ca-file {authority} --gateway-token-file {file}\n"
    )
}

/// For a shell, if it needs to be.
fn quoted(path: &Path) -> String {
    let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = path.to_string_lossy().into_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The name of the first gateway and of its token.
const TRIAL: &str = "trial";
