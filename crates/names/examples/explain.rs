//! Prints why two names are alike: `explain A B`.

use mithaq_names::{Details, Name, Scorer};

fn main() {
    let mut args = std::env::args().skip(1);
    if let (Some(a), Some(b)) = (args.next(), args.next()) {
        let none = Details::default();
        print!("{}", Scorer::new().explain(&Name::parse(&a), &Name::parse(&b), &none, &none));
    }
}
