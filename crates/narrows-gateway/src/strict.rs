//! [`Strict`]: a resolver for which one bad address spoils a name.

use narrows_endpoint::{AddressClass, Name};
use narrows_upstream::{Resolve, Resolving};

/// A resolver that leaves the public addresses out of an answer that has others too.
///
/// What is left is judged as ever: denied, unless the target's rule names where it leads. So a name that
/// is half outside and half inside is reached inside by permission, or not at all.
#[derive(Clone, Debug)]
pub struct Strict<R>(pub R);

impl<R: Resolve> Resolve for Strict<R> {
    fn resolve<'a>(&'a self, name: &'a Name) -> Resolving<'a> {
        Box::pin(async {
            let mut addresses = self.0.resolve(name).await?;
            let public = |address: &_| AddressClass::of(*address).is_public();
            if !addresses.iter().all(public) {
                addresses.retain(|address| !public(address));
            }
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use narrows_endpoint::Host;
    use narrows_upstream::StaticResolver;

    use super::*;

    #[tokio::test]
    async fn one_bad_address_spoils_the_name() {
        for (addresses, want) in [
            (["1.1.1.1", "8.8.8.8"], &["1.1.1.1", "8.8.8.8"][..]),
            (["1.1.1.1", "10.0.0.1"], &["10.0.0.1"]),
            (["127.0.0.1", "10.0.0.1"], &["127.0.0.1", "10.0.0.1"]),
        ] {
            let parse = |text: &str| text.parse::<IpAddr>().unwrap();
            let host: Host = "a.example".parse().unwrap();
            let resolver = StaticResolver::new().with(host.clone(), addresses.map(parse));
            let found = Strict(resolver)
                .resolve(host.name().unwrap())
                .await
                .unwrap();
            let want: Vec<_> = want.iter().map(|text| parse(text)).collect();
            assert_eq!(found, want);
        }
    }
}
