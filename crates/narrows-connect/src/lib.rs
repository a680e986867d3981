#![doc = include_str!("../README.md")]

mod challenge;
mod credentials;
mod encode;
mod judge;
mod limits;
mod list;
mod page;
mod proxy_error;
mod refusal;
mod request;
mod request_error;
mod response;
mod response_error;
mod scan;
mod text;
mod via;

pub use credentials::{Credentials, CredentialsError, ProxyAuthorization};
pub use encode::{ESTABLISHED, encode_forwarded, encode_request};
pub use judge::check_connect;
pub use limits::{Limits, MAX_HEADERS, Status};
pub use list::list_items;
pub use page::{excerpt, printable};
pub use proxy_error::ProxyError;
pub use refusal::Refusal;
pub use request::{Request, RequestParser, Version, parse_request};
pub use request_error::{MAX_RAW_TARGET, RequestError, RequestErrorKind};
pub use response::{Response, ResponseParser, parse_response};
pub use response_error::ResponseError;
pub use via::{MAX_VIA, Via};
