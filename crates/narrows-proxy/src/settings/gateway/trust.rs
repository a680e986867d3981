//! Whom we trust as the gateway, and what proves to it who we are.

use narrows_upstream::{BearerTokenError, GatewayConfig, GatewayConfigError, GatewayCredentials};

use super::super::Merge;
use super::super::login::{Login, secret};
use super::{Given, given_by};
use crate::config::{self, Loaded};
use narrows_service::files;
use narrows_service::problem::Problem;

const TOKEN_HINT: &str = "write the token alone into it, on one line, without the word Bearer";

impl<'a> Merge<'a> {
    /// Adds the authorities that a file holds.
    pub(super) fn with_authorities(&mut self, config: GatewayConfig) -> GatewayConfig {
        let option = self.options.gateway_ca_file.as_deref();
        let key = self
            .gateway_section()
            .and_then(|section| section.ca_file.as_ref());
        let Some(file) = self.given("gateway-ca-file", option, "gateway.ca_file: ", key) else {
            return config;
        };
        let added = files::read(file.text.as_ref())
            .map_err(|error| file.file_problem(error))
            .and_then(|pem| {
                let added = config.clone().with_authorities(&pem);
                added.map_err(|error| {
                    file.file_problem(error)
                        .hint("name a file with CA certificates in PEM")
                })
            });
        self.keep(added).unwrap_or(config)
    }

    /// Adds the client certificate and its key.
    pub(super) fn with_identity(&mut self, config: GatewayConfig) -> GatewayConfig {
        let Some((loaded, section)) = self.section_of_url() else {
            return config;
        };
        let (certificate, key) = match (&section.client_certificate_file, &section.client_key_file)
        {
            (None, None) => return config,
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(one), None) | (None, Some(one)) => {
                let message = "gateway.client_certificate_file and gateway.client_key_file belong together, and one of them is missing";
                let problem = Problem::new(loaded.source(one), message);
                self.problems.push(problem.hint("write both, or neither"));
                return config;
            }
        };
        let certificate = given_by(loaded, "gateway.client_certificate_file: ", certificate);
        let key = given_by(loaded, "gateway.client_key_file: ", key);
        let read = |file: &Given| {
            files::read(file.text.as_ref()).map_err(|error| file.file_problem(error))
        };
        let (chain_pem, key_pem) = (self.keep(read(&certificate)), self.keep(read(&key)));
        let (Some(chain_pem), Some(key_pem)) = (chain_pem, key_pem) else {
            return config;
        };
        let added = config
            .clone()
            .with_client_certificate(&chain_pem, &key_pem)
            .map_err(|error| match error {
                GatewayConfigError::Key(_) => key.file_problem(error),
                _ => certificate.file_problem(error),
            });
        self.keep(added).unwrap_or(config)
    }

    /// The token, or the user and password.
    pub(super) fn gateway_credentials(&mut self) -> Option<GatewayCredentials> {
        let section = self.section_of_url();
        let option = self.options.gateway_token_file.as_deref();
        let key = section.and_then(|(_, section)| section.token_file.as_ref());
        let token = self.given("gateway-token-file", option, "gateway.token_file: ", key);
        let by_flag = token.as_ref().is_some_and(|token| token.key.is_empty());
        let login = match section.filter(|_| !by_flag) {
            Some((loaded, section)) => {
                let (user, file) = (section.user.as_ref(), section.password_file.as_ref());
                let named = Login::named(loaded, "gateway", user, file);
                self.keep(named).flatten().map(|login| (loaded, login))
            }
            None => None,
        };
        match (token, login) {
            (None, None) => None,
            (Some(_), Some((loaded, login))) => {
                let message =
                    "gateway.user is a second kind of credentials beside gateway.token_file";
                let problem = Problem::new(loaded.source(login.user), message);
                self.problems.push(problem.hint("write one of them"));
                None
            }
            (None, Some((loaded, login))) => {
                let credentials = login.read(loaded).map(GatewayCredentials::Basic);
                self.keep(credentials)
            }
            (Some(file), None) => {
                let token = secret(&file.text)
                    .map_err(|error| file.file_problem(error))
                    .and_then(|token| {
                        let token = token.parse();
                        token.map_err(|error: BearerTokenError| {
                            file.file_problem(error).hint(TOKEN_HINT)
                        })
                    });
                self.keep(token.map(GatewayCredentials::Bearer))
            }
        }
    }

    pub(super) fn warn_of_unused_credentials(&mut self) {
        let option = self.options.gateway_token_file.as_deref();
        let section = self.gateway_section();
        let key = section.and_then(|section| section.token_file.as_ref());
        let token = self.given("gateway-token-file", option, "gateway.token_file", key);
        if let Some(token) = token {
            let what = match token.key {
                "" => token.source.to_string(),
                key => key.to_owned(),
            };
            self.warnings
                .push(format!("{what} is not used, because no gateway is named"));
        }
    }

    /// The section, unless it names another gateway than the one in use: what proves who we are
    /// belongs to the gateway that stands beside it, and goes to no other.
    fn section_of_url(&self) -> Option<(&'a Loaded, &'a config::Gateway)> {
        let loaded = self.loaded?;
        let section = &loaded.file.gateway;
        let option = self.options.gateway.as_deref().unwrap_or_default();
        let of_another = section.url.is_some() && !option.trim().is_empty();
        (!of_another).then_some((loaded, section))
    }
}
