//! What the operator is shown, and where.

use std::net::SocketAddr;

use narrows_admin::{Place, Section, Wanted};
use narrows_endpoint::Source;

use super::Merge;

impl Merge<'_> {
    /// The admin listener: of the flag, else of the file, else in the runtime directory that a service
    /// manager made for this process alone.
    pub(super) fn admin(
        &mut self,
        own: &[SocketAddr],
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Option<Place> {
        let given = self.options.admin.as_ref().map(|text| text.trim());
        let given = given.filter(|text| !text.is_empty());
        let wanted = Wanted {
            given: given.map(|text| (text, self.origins.of("admin"))),
            own,
            program: "narrows-proxy",
            runtime: lookup("RUNTIME_DIRECTORY"),
        };
        match self.loaded {
            Some(loaded) => {
                let place = |part| loaded.place(part);
                let section = &loaded.file.admin;
                section.place(wanted, &place, &mut self.problems)
            }
            None => Section::default().place(wanted, &|_| Source::BuiltIn, &mut self.problems),
        }
    }

    /// Whether what the rules deny is only reported.
    pub(super) fn report_only(&self) -> bool {
        let in_file = self.loaded.and_then(|loaded| loaded.file.rules.report_only);
        self.options.report_only || in_file.unwrap_or(false)
    }
}
