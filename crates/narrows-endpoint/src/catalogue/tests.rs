use super::*;

#[test]
fn the_built_in_catalogue_is_well_formed() {
    let catalogue = Catalogue::built_in();
    assert_eq!(catalogue.date().to_string(), "2026-02-17");
    assert_eq!(catalogue.endpoints().len(), 578);
    assert_eq!(catalogue.carried().count(), 180);
}
