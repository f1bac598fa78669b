//! The words of an agreement's codes in the four languages, as the glossary has them. A test holds that no code of the
//! vocabularies is without its words.

use mithaq_model::{Lang, Words4};

macro_rules! labels {
    ($($code:literal: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        fn found(code: &str) -> Option<Words4> {
            match code {
                $($code => Some(Words4 { en: $en, fr: $fr, es: $es, ar: $ar }),)+
                _other => None,
            }
        }
    };
}

/// The words of a code; the code itself where there are none.
pub(super) fn label(lang: Lang, code: &str) -> String {
    found(code).map_or_else(|| code.to_owned(), |words| words.get(lang).to_owned())
}

/// The words of several codes, in their order.
pub(super) fn list<'a>(lang: Lang, codes: impl Iterator<Item = &'a str>) -> String {
    let comma = if lang == Lang::AR { "، " } else { ", " };
    let all: Vec<String> = codes.map(|code| label(lang, code)).collect();
    all.join(comma)
}

labels! {
    // Areas of crime.
    "child_sexual_exploitation": "child sexual exploitation", "exploitation sexuelle d'enfants", "explotación sexual de menores", "الاستغلال الجنسي للأطفال";
    "corruption": "corruption", "corruption", "corrupción", "الفساد";
    "counterfeiting_economic": "counterfeiting and economic crime", "contrefaçon et criminalité économique", "falsificación y delincuencia económica", "التزييف والجرائم الاقتصادية";
    "cultural_goods": "trafficking in cultural goods", "trafic de biens culturels", "tráfico de bienes culturales", "الاتجار بالممتلكات الثقافية";
    "cybercrime": "cybercrime", "cybercriminalité", "ciberdelincuencia", "الجريمة الإلكترونية";
    "document_fraud": "document fraud", "fraude documentaire", "falsificación de documentos", "تزوير الوثائق";
    "drugs_precursors": "drugs and precursors", "stupéfiants et précurseurs", "drogas y precursores", "المخدرات والسلائف";
    "environment": "environmental crime", "criminalité environnementale", "delitos contra el medio ambiente", "الجرائم البيئية";
    "foreign_terrorist_fighters": "foreign terrorist fighters", "combattants terroristes étrangers", "combatientes terroristas extranjeros", "المقاتلون الإرهابيون الأجانب";
    "kidnapping_extortion": "kidnapping and extortion", "enlèvement et extorsion", "secuestro y extorsión", "الاختطاف والابتزاز";
    "laundering": "money laundering", "blanchiment de capitaux", "blanqueo de capitales", "غسل الأموال";
    "migrant_smuggling": "migrant smuggling", "trafic de migrants", "tráfico ilícito de migrantes", "تهريب المهاجرين";
    "organised_crime": "organised crime", "criminalité organisée", "delincuencia organizada", "الجريمة المنظمة";
    "other_by_consent": "others by consent", "autres, par consentement", "otros por consentimiento", "جرائم أخرى باتفاق الطرفين";
    "property_vehicle": "property and vehicle crime", "atteintes aux biens et vol de véhicules", "delitos contra la propiedad y vehículos", "جرائم الأموال وسرقة المركبات";
    "terrorism": "terrorism", "terrorisme", "terrorismo", "الإرهاب";
    "terrorist_financing": "terrorist financing", "financement du terrorisme", "financiación del terrorismo", "تمويل الإرهاب";
    "trafficking_in_persons": "trafficking in persons", "traite des êtres humains", "trata de personas", "الاتجار بالبشر";
    "war_crimes_cah": "war crimes and crimes against humanity", "crimes de guerre et contre l'humanité", "crímenes de guerra y de lesa humanidad", "جرائم الحرب والجرائم ضد الإنسانية";
    "weapons_explosives_cbrn": "weapons, explosives and CBRN", "armes, explosifs et NRBC", "armas, explosivos y NRBQ", "الأسلحة والمتفجرات والمواد الخطرة";
    // Purposes.
    "detect": "find out that an offence was committed", "détecter une infraction", "detectar un delito", "الكشف عن جريمة";
    "execute_sentence": "carry out a sentence", "exécuter une peine", "ejecutar una pena", "تنفيذ عقوبة";
    "identify_victim": "identify a victim", "identifier une victime", "identificar a una víctima", "تحديد هوية ضحية";
    "investigate": "investigate an offence", "enquêter sur une infraction", "investigar un delito", "التحقيق في جريمة";
    "locate_missing": "find a missing person", "retrouver une personne disparue", "localizar a una persona desaparecida", "العثور على شخص مفقود";
    "prevent_specific_offence": "prevent an offence that can be named", "prévenir une infraction déterminée", "prevenir un delito concreto", "منع جريمة محددة";
    "prosecute": "bring an offence before a court", "poursuivre une infraction", "enjuiciar un delito", "المتابعة القضائية";
    "strategic_nonpersonal": "strategic work without personal data", "travail stratégique sans données personnelles", "trabajo estratégico sin datos personales", "عمل استراتيجي بلا معطيات شخصية";
    "threat_to_life": "save a life", "sauver une vie", "salvar una vida", "إنقاذ حياة";
    // Classes of person.
    "contact_or_associate": "contact or associate", "contact ou relation", "contacto o allegado", "من المخالطين أو المقربين";
    "convicted": "convicted person", "personne condamnée", "persona condenada", "شخص مدان";
    "informant": "informant", "informateur", "informante", "مخبر";
    "missing": "missing person", "personne disparue", "persona desaparecida", "شخص مفقود";
    "possible_victim": "possible victim", "victime possible", "posible víctima", "ضحية محتملة";
    "suspect_about_to": "suspected of being about to commit an offence", "soupçonné d'être sur le point d'agir", "sospechoso de ir a cometer un delito", "مشتبه في عزمه على ارتكاب جريمة";
    "suspect_committed": "suspected of an offence", "soupçonné d'une infraction", "sospechoso de un delito", "مشتبه في ارتكابه جريمة";
    "unknown_uncategorised": "not categorised yet", "non encore catégorisé", "sin categoría todavía", "غير مصنف بعد";
    "victim": "victim", "victime", "víctima", "ضحية";
    "wanted": "wanted person", "personne recherchée", "persona buscada", "شخص مبحوث عنه";
    "witness": "witness", "témoin", "testigo", "شاهد";
    // Kinds of data.
    "address": "address", "adresse", "domicilio", "العنوان";
    "born": "birth", "naissance", "nacimiento", "الميلاد";
    "class": "class and its ground", "catégorie et son motif", "categoría y su motivo", "الصفة وسببها";
    "comment": "comment", "commentaire", "comentario", "ملاحظة";
    "contact": "telephone, mail and the like", "téléphone, courriel, etc.", "teléfono, correo y similares", "الهاتف والبريد ونحوهما";
    "document": "documents", "documents", "documentos", "الوثائق";
    "listing": "listing", "inscription sur une liste", "inclusión en listas", "الإدراج في القوائم";
    "name": "names", "noms", "nombres", "الأسماء";
    "nationality": "nationality", "nationalité", "nacionalidad", "الجنسية";
    "place": "places", "lieux", "lugares", "الأماكن";
    "position": "position on a map", "position sur une carte", "posición en el mapa", "الموقع الجغرافي";
    "role": "role", "fonction", "función", "الدور";
    "sex": "sex as entered", "sexe tel qu'inscrit", "sexo según constancia", "الجنس كما هو مسجل";
    "status": "status", "statut", "estado", "الحالة";
    "title": "title of address", "titre", "tratamiento", "اللقب";
    // The seventeen steps of the release decision (domain page, 2.13).
    "step.1": "role and case", "rôle et affaire", "función y caso", "الدور والقضية";
    "step.2": "signatures and version of the rules", "signatures et version des règles", "firmas y versión de las reglas", "التوقيعات ونسخة القواعد";
    "step.3": "agreement in force, area, purpose, recipient", "accord en vigueur, domaine, finalité, destinataire", "convenio en vigor, ámbito, finalidad, destinatario", "سريان الاتفاقية والمجال والغاية والمرسل إليه";
    "step.4": "classes of persons, minors", "catégories de personnes, mineurs", "categorías de personas, menores", "صفات الأشخاص والقاصرون";
    "step.5": "special categories", "données sensibles", "categorías especiales", "المعطيات الحساسة";
    "step.6": "protected roles", "qualités protégées", "condiciones protegidas", "الصفات المحمية";
    "step.7": "offence: none of opinion, none by label", "infraction : ni opinion, ni étiquette", "delito: ni opinión ni etiqueta", "الجريمة: لا رأي ولا مجرد وصف";
    "step.8": "grade", "cotation", "evaluación", "التقييم";
    "step.9": "origin and consent", "origine et consentement", "origen y consentimiento", "المصدر والموافقة";
    "step.10": "classification and channel", "classification et canal", "clasificación y canal", "درجة السرية والقناة";
    "step.11": "risk of the transfer", "risque du transfert", "riesgo de la transferencia", "مخاطر الإرسال";
    "step.12": "retention and minimisation", "conservation et minimisation", "conservación y minimización", "مدة الحفظ والتقليل";
    "step.13": "budget and volume", "quota et volume", "cupo y volumen", "الحصة والحجم";
    "step.14": "two persons", "deux personnes", "dos personas", "شخصان";
    "step.15": "seal, sign, send", "sceller, signer, envoyer", "sellar, firmar, enviar", "الختم والتوقيع والإرسال";
    "step.16": "entry in the ledger", "inscription au registre", "asiento en el registro", "القيد في السجل";
    "step.17": "clock for feedback, review, erasure", "délais de retour, de réexamen, d'effacement", "plazos de respuesta, revisión y borrado", "آجال الرد والمراجعة والمحو";
    // Levels.
    "unclassified": "unclassified", "non classifié", "sin clasificar", "غير مصنف";
    "restricted": "restricted", "diffusion restreinte", "difusión limitada", "محدود التداول";
    "confidential": "confidential", "confidentiel", "confidencial", "سري خاص";
    "secret": "secret", "secret", "reservado", "سري";
    "top_secret": "top secret", "très secret", "secreto", "سري للغاية";
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_model::{Attribute, CrimeArea, Level, Purpose, SubjectClass};

    #[test]
    fn no_code_is_without_its_words() {
        let areas = CrimeArea::ALL.iter().map(|one| one.code());
        let purposes = Purpose::ALL.iter().map(|one| one.code());
        let classes = SubjectClass::ALL.iter().map(|one| one.code());
        let attributes = Attribute::ALL.iter().map(|one| one.code());
        let levels = Level::ALL.iter().map(|one| one.code());
        let steps: Vec<String> = (1..=17).map(|step| format!("step.{step}")).collect();
        let steps = steps.iter().map(String::as_str);
        for code in areas.chain(purposes).chain(classes).chain(attributes).chain(levels).chain(steps) {
            let words = found(code).unwrap_or_else(|| panic!("{code}"));
            assert!([words.ar, words.en, words.es, words.fr].iter().all(|word| word.len() > 2), "{code}");
            assert!(words.ar.chars().any(|c| ('\u{600}'..'\u{700}').contains(&c)), "{code}");
        }
        assert_eq!(label(Lang::FR, "no_such_code"), "no_such_code");
    }
}
