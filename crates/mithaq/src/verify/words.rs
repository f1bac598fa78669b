//! The sentences of a judgement, in four languages, for people who are no programmers. `{name}` is filled in.

use mithaq_model::Words4;

macro_rules! sentences {
    ($($name:ident: $en:literal, $fr:literal, $es:literal, $ar:literal;)+) => {
        $(pub(super) const $name: Words4 = Words4 { en: $en, fr: $fr, es: $es, ar: $ar };)+
        #[cfg(test)]
        const ALL: &[Words4] = &[$($name),+];
    };
}

sentences! {
    PROVEN: "PROVEN", "PROUVÉ", "PROBADO", "ثابت";
    WRONG: "SHOWN, AND AGAINST THE RULES", "ÉTABLI, ET CONTRAIRE AUX RÈGLES", "MOSTRADO, Y CONTRARIO A LAS REGLAS", "ثابت ومخالف للقواعد";
    NOT_PROVEN: "NOT PROVEN", "NON PROUVÉ", "NO PROBADO", "غير ثابت";
    ROOT_GIVEN: "Root key of {party}: {root}. You gave it.", "Clé racine de {party} : {root}. Vous l'avez donnée.", "Clave raíz de {party}: {root}. La dio usted.", "المفتاح الجذر لـ {party}: {root}. أنت من قدّمه.";
    ROOT_PINNED: "Root key of {party}: {root}. Named by the agreement whose number you gave.", "Clé racine de {party} : {root}. Nommée par l'accord dont vous avez donné le numéro.", "Clave raíz de {party}: {root}. La nombra el acuerdo cuyo número dio usted.", "المفتاح الجذر لـ {party}: {root}. يسمّيه الاتفاق الذي قدّمت رقمه.";
    ROOT_BUNDLE: "Root key of {party}: {root}. TAKEN FROM THE BUNDLE: compare it with your copy of the agreement.", "Clé racine de {party} : {root}. TIRÉE DU DOSSIER : comparez-la avec votre exemplaire de l'accord.", "Clave raíz de {party}: {root}. TOMADA DEL EXPEDIENTE: compárela con su ejemplar del acuerdo.", "المفتاح الجذر لـ {party}: {root}. مأخوذ من الملف نفسه: قارنه بنسختك من الاتفاق.";
    MANIFEST: "With that root {party} signed the keys of its node: manifests 1 to {last}, the last valid until {to}.", "Avec cette racine, {party} a signé les clés de son nœud : manifestes 1 à {last}, le dernier valable jusqu'au {to}.", "Con esa raíz {party} firmó las claves de su nodo: manifiestos 1 a {last}, el último válido hasta {to}.", "بهذا الجذر وقّع {party} مفاتيح عقدته: البيانات من 1 إلى {last}، والأخير صالح حتى {to}.";
    DISTRUSTS: "{party} does not trust the key {key} from entry {since} of {log} on: its root says so, with the checkpoint of that size.", "{party} ne se fie plus à la clé {key} à partir de l'entrée {since} de {log} : sa racine le dit, avec le point de contrôle de cette taille.", "{party} no confía en la clave {key} desde la entrada {since} de {log}: lo dice su raíz, con el punto de control de ese tamaño.", "لا يثق {party} بالمفتاح {key} ابتداءً من القيد {since} من {log}: يقول ذلك جذره، مع نقطة تحقق بهذا الحجم.";
    DISTRUSTS_ALL: "{party} does not trust the key {key}: its root says so. It proves no size of {log}, so nothing under that key counts (it names {since}).", "{party} ne se fie plus à la clé {key} : sa racine le dit. Aucune taille de {log} n'étant prouvée, rien sous cette clé ne compte (elle nomme {since}).", "{party} no confía en la clave {key}: lo dice su raíz. No prueba ningún tamaño de {log}, así que nada bajo esa clave cuenta (nombra {since}).", "لا يثق {party} بالمفتاح {key}: يقول ذلك جذره. ولا يثبت أي حجم لـ {log}، فلا يُعتد بشيء تحت هذا المفتاح (يذكر {since}).";
    AGREEMENT: "Agreement {id}, valid from {from} to {to}. The number is the hash of its text.", "Accord {id}, valable du {from} au {to}. Le numéro est l'empreinte de son texte.", "Acuerdo {id}, válido del {from} al {to}. El número es la huella de su texto.", "الاتفاق {id}، صالح من {from} إلى {to}. الرقم هو بصمة نصه.";
    SIGNED: "{party} signed it: {office}, {at}.", "{party} l'a signé : {office}, {at}.", "{party} lo firmó: {office}, {at}.", "وقّعه {party}: {office}، {at}.";
    LIFE: "The log has it {stage} from entry {index} on, {at}.", "Le journal le donne {stage} à partir de l'entrée {index}, {at}.", "El registro lo da {stage} desde la entrada {index}, {at}.", "السجل يثبته {stage} ابتداءً من القيد {index}، {at}.";
    LOG: "{party} signed its log {origin} at {size} entries, root {root}.", "{party} a signé son journal {origin} à {size} entrées, racine {root}.", "{party} firmó su registro {origin} con {size} entradas, raíz {root}.", "وقّع {party} سجله {origin} عند {size} قيدًا، الجذر {root}.";
    ENTRIES: "{count} entries are in that log, unchanged and in this order.", "{count} entrées sont dans ce journal, inchangées et dans cet ordre.", "{count} entradas están en ese registro, sin cambios y en este orden.", "{count} قيدًا موجودة في ذلك السجل دون تغيير وبهذا الترتيب.";
    COMPLETE: "Nothing up to that size was left out.", "Rien n'a été omis jusqu'à cette taille.", "Nada se omitió hasta ese tamaño.", "لم يُسقط شيء حتى ذلك الحجم.";
    COUNTERSIGNED: "{by} countersigned that size at {at}: it was shown no other history of this log.", "{by} a contresigné cette taille le {at} : aucun autre historique de ce journal ne lui a été montré.", "{by} refrendó ese tamaño el {at}: no se le mostró otra historia de este registro.", "صادق {by} على ذلك الحجم في {at}: لم يُعرض عليه تاريخ آخر لهذا السجل.";
    QUORUM: "{demanded} countersignatures were demanded (agreement: {agreement}, you: {you}) and are there.", "{demanded} contreseings étaient exigés (accord : {agreement}, vous : {you}) et sont présents.", "Se exigían {demanded} refrendos (acuerdo: {agreement}, usted: {you}) y están.", "طُلبت {demanded} مصادقات (الاتفاق: {agreement}، أنت: {you}) وهي موجودة.";
    OPENED: "{count} contents are those that were logged.", "{count} contenus sont ceux qui ont été consignés.", "{count} contenidos son los que se registraron.", "{count} من المحتويات هي نفسها التي سُجّلت.";
    ERASED: "{count} contents were erased, as the log says; what they were cannot be told any more.", "{count} contenus ont été effacés, selon le journal ; on ne peut plus dire ce qu'ils étaient.", "{count} contenidos se borraron, según el registro; ya no puede decirse qué eran.", "مُحيت {count} من المحتويات كما يقول السجل، ولم يعد ممكنًا معرفة ما كانت.";
    SENT: "Entry {index}, {at}: {party} sent {what} to {partner}; its node signed the message.", "Entrée {index}, {at} : {party} a envoyé {what} à {partner} ; son nœud a signé le message.", "Entrada {index}, {at}: {party} envió {what} a {partner}; su nodo firmó el mensaje.", "القيد {index}، {at}: أرسل {party} {what} إلى {partner}، ووقّعت عقدته الرسالة.";
    SENT_LOG: "Entry {index}, {at}: {party} logged that it sent {what} to {partner}.", "Entrée {index}, {at} : {party} a consigné l'envoi à {partner} : {what}.", "Entrada {index}, {at}: {party} registró que envió {what} a {partner}.", "القيد {index}، {at}: سجّل {party} أنه أرسل {what} إلى {partner}.";
    TAKEN: "Entry {index}, {at}: {party} took {what} from {partner}; the node of {partner} signed the message.", "Entrée {index}, {at} : {party} a reçu {what} de {partner} ; le nœud de {partner} a signé le message.", "Entrada {index}, {at}: {party} recibió {what} de {partner}; el nodo de {partner} firmó el mensaje.", "القيد {index}، {at}: تسلّم {party} {what} من {partner}، ووقّعت عقدة {partner} الرسالة.";
    TAKEN_LOG: "Entry {index}, {at}: {party} logged that it took {what} from {partner}.", "Entrée {index}, {at} : {party} a consigné la réception, venant de {partner} : {what}.", "Entrada {index}, {at}: {party} registró que recibió {what} de {partner}.", "القيد {index}، {at}: سجّل {party} أنه تسلّم {what} من {partner}.";
    REPORT: "report {number}", "le rapport {number}", "el informe {number}", "التقرير {number}";
    CORRECTION: "a correction of report {number}", "une rectification du rapport {number}", "una rectificación del informe {number}", "تصحيحًا للتقرير {number}";
    ORDER: "an order about report {number}", "un ordre au sujet du rapport {number}", "una orden sobre el informe {number}", "أمرًا بشأن التقرير {number}";
    RECEIPTS: "receipts about report {number}", "des accusés au sujet du rapport {number}", "acuses sobre el informe {number}", "إشعارات بشأن التقرير {number}";
    HOP: "report {number}, which is another party's, with that party's consent", "le rapport {number}, qui est d'une autre partie, avec le consentement de celle-ci", "el informe {number}, que es de otra parte, con el consentimiento de esta", "التقرير {number} الصادر عن طرف آخر بموافقة ذلك الطرف";
    STEP: "a step in the conversation about a request ({number})", "une étape de l'échange au sujet d'une demande ({number})", "un paso de la conversación sobre una solicitud ({number})", "خطوة في الحوار بشأن طلب معلومات ({number})";
    ONWARD: "a step about passing a report on ({number})", "une étape au sujet du transfert ultérieur d'un rapport ({number})", "un paso sobre la transferencia ulterior de un informe ({number})", "خطوة بشأن النقل اللاحق لتقرير ({number})";
    NOTICE: "a notice about the agreement ({number})", "un avis au sujet de l'accord ({number})", "un aviso sobre el acuerdo ({number})", "إشعارًا بشأن الاتفاقية ({number})";
    EPOCH: "the beginning of a new count of messages after a loss ({number})", "le début d'un nouveau compte de messages après une perte ({number})", "el comienzo de una nueva cuenta de mensajes tras una pérdida ({number})", "بداية عدّ جديد للرسائل بعد فقدان ({number})";
    ABOUT_REPORT: "a message about report {number}", "un message au sujet du rapport {number}", "un mensaje sobre el informe {number}", "رسالة بشأن التقرير {number}";
    MESSAGE: "the message {number}", "le message {number}", "el mensaje {number}", "الرسالة {number}";
    RECEIPT: "{by} signed for it: stored {at}, verdict {verdict}.", "{by} en a signé la réception : conservé {at}, décision {verdict}.", "{by} firmó su recepción: almacenado {at}, decisión {verdict}.", "وقّع {by} على التسلّم: خُزّن {at}، القرار {verdict}.";
    NOT_DELIVERED: "{party} declared it not delivered at {at}.", "{party} l'a déclaré non remis le {at}.", "{party} lo declaró no entregado el {at}.", "أعلن {party} أنه لم يُسلَّم في {at}.";
    READ: "{by} signed: report {report} was read at {at}, in the role {role}.", "{by} a signé : le rapport {report} a été lu le {at}, dans le rôle {role}.", "{by} firmó: el informe {report} se leyó el {at}, en el papel {role}.", "وقّع {by}: قُرئ التقرير {report} في {at} بصفة {role}.";
    LET_IN: "{by} signed: its people let report {report} out of quarantine at {at}.", "{by} a signé : ses agents ont levé la quarantaine du rapport {report} le {at}.", "{by} firmó: su personal levantó la cuarentena del informe {report} en {at}.", "وقّع {by}: رفع مسؤولوه الحجر عن التقرير {report} في {at}.";
    TURNED_AWAY: "{by} signed: its people refused report {report}, which was in quarantine, at {at}.", "{by} a signé : ses agents ont refusé le rapport {report}, qui était en quarantaine, le {at}.", "{by} firmó: su personal rechazó el informe {report}, que estaba en cuarentena, en {at}.", "وقّع {by}: رفض مسؤولوه التقرير {report} الذي كان في الحجر، في {at}.";
    ATTACHED: "{by} signed: all of attachment {root} of report {report} was there at {at}.", "{by} a signé : la pièce jointe {root} du rapport {report} était là en entier le {at}.", "{by} firmó: el adjunto {root} del informe {report} estaba completo en {at}.", "وقّع {by}: كان المرفق {root} من التقرير {report} كاملًا لديه في {at}.";
    ERASURE: "{by} signed: report {report} was erased at {at}. This is a declaration, not proof that no copy exists.", "{by} a signé : le rapport {report} a été effacé le {at}. C'est une déclaration, non la preuve qu'aucune copie n'existe.", "{by} firmó: el informe {report} se borró el {at}. Es una declaración, no prueba de que no exista copia.", "وقّع {by}: مُحي التقرير {report} في {at}. هذا إقرار وليس دليلًا على عدم وجود نسخة.";
    CHECK_OPENED: "Check {check}: {asking} asked {asked} what the opening says, one by one, and nothing else (tokens: {tokens}, persons: {subjects}, fillings: {dummies}); entries {entries} commit to it.", "Vérification {check} : {asking} a demandé à {asked} ce que dit l'ouverture, un à un, et rien d'autre (jetons : {tokens}, personnes : {subjects}, leurres : {dummies}) ; les entrées {entries} l'attestent.", "Comprobación {check}: {asking} preguntó a {asked} lo que dice la apertura, uno a uno, y nada más (fichas: {tokens}, personas: {subjects}, rellenos: {dummies}); lo acreditan las entradas {entries}.", "التحقق {check}: سأل {asking} {asked} عمّا يقوله الفتح، واحدًا واحدًا، ولا شيء غيره (الرموز: {tokens}، الأشخاص: {subjects}، الحشو: {dummies})؛ تشهد به القيود {entries}.";
    OUTSIDE_DATES: "Entry {index}: a disclosure outside the dates of agreement {id}.", "Entrée {index} : une divulgation hors des dates de l'accord {id}.", "Entrada {index}: una divulgación fuera de las fechas del acuerdo {id}.", "القيد {index}: إفصاح خارج تواريخ الاتفاق {id}.";
    NOT_IN_FORCE: "Entry {index}: a disclosure while agreement {id} was {stage}.", "Entrée {index} : une divulgation alors que l'accord {id} était {stage}.", "Entrada {index}: una divulgación mientras el acuerdo {id} estaba {stage}.", "القيد {index}: إفصاح بينما كان الاتفاق {id} في حالة {stage}.";
    UNSIGNED: "Entry {index}: a disclosure under agreement {id}, which not all parties signed.", "Entrée {index} : une divulgation sous l'accord {id}, que toutes les parties n'ont pas signé.", "Entrada {index}: una divulgación bajo el acuerdo {id}, que no firmaron todas las partes.", "القيد {index}: إفصاح في إطار الاتفاق {id} الذي لم توقعه كل الأطراف.";
    NO_PARTY: "Entry {index}: a disclosure to someone who is no party of agreement {id}.", "Entrée {index} : une divulgation à qui n'est pas partie à l'accord {id}.", "Entrada {index}: una divulgación a quien no es parte del acuerdo {id}.", "القيد {index}: إفصاح لمن ليس طرفًا في الاتفاق {id}.";
    MANIFEST_OVER: "Entry {index}: {party} signed with keys whose manifest was not valid then.", "Entrée {index} : {party} a signé avec des clés dont le manifeste n'était pas valable alors.", "Entrada {index}: {party} firmó con claves cuyo manifiesto no era válido entonces.", "القيد {index}: وقّع {party} بمفاتيح لم يكن بيانها صالحًا حينئذ.";
    NOT_ANCHORED: "That these are the parties they say they are: you gave nothing to compare with. Whoever made the bundle could have invented all of them. Give --agreement, --root or --log.", "Que ces parties soient bien celles qu'elles disent : vous n'avez rien donné à comparer. L'auteur du dossier pourrait les avoir toutes inventées. Donnez --agreement, --root ou --log.", "Que estas partes sean quienes dicen: no dio usted nada con que comparar. Quien hizo el expediente pudo inventarlas todas. Dé --agreement, --root o --log.", "أن هذه الأطراف هي حقًّا من تدّعي: لم تقدّم ما يُقارَن به. قد يكون صانع الملف قد اختلقها كلها. قدّم ‎--agreement أو ‎--root أو ‎--log.";
    ROOT_UNKNOWN: "That the root key shown is really the one of {party}.", "Que la clé racine indiquée soit vraiment celle de {party}.", "Que la clave raíz mostrada sea de verdad la de {party}.", "أن المفتاح الجذر المعروض هو حقًّا مفتاح {party}.";
    LEFT_OUT: "What the {count} entries say that were left out.", "Ce que disent les {count} entrées omises.", "Lo que dicen las {count} entradas omitidas.", "ما تقوله القيود الـ {count} التي أُسقطت.";
    NOT_COUNTERSIGNED: "That there is no other history of this log: no partner countersigned it.", "Qu'il n'existe pas d'autre historique de ce journal : aucun partenaire ne l'a contresigné.", "Que no haya otra historia de este registro: ningún socio lo refrendó.", "أنه لا يوجد تاريخ آخر لهذا السجل: لم يصادق عليه أي شريك.";
    NO_AGREEMENT: "That agreement {id} is signed: it is not attached.", "Que l'accord {id} soit signé : il n'est pas joint.", "Que el acuerdo {id} esté firmado: no se adjunta.", "أن الاتفاق {id} موقّع: ليس مرفقًا.";
    NO_STAGE: "That agreement {id} was activated and not suspended: the entries about it are not in the bundle.", "Que l'accord {id} ait été activé et non suspendu : les entrées à ce sujet ne sont pas dans le dossier.", "Que el acuerdo {id} se activó y no se suspendió: las entradas sobre ello no están en el expediente.", "أن الاتفاق {id} فُعّل ولم يُعلَّق: القيود المتعلقة به ليست في الملف.";
    NO_RECEIPT: "Entry {index}: that it arrived. The receiver's signature is not there.", "Entrée {index} : que ce soit arrivé. La signature du destinataire manque.", "Entrada {index}: que llegara. Falta la firma del destinatario.", "القيد {index}: أنه وصل. توقيع المستلم غير موجود.";
    CLAIMED: "Entry {index}: that it arrived. The log says that a receipt came; it is not attached.", "Entrée {index} : que ce soit arrivé. Le journal dit qu'un accusé est venu ; il n'est pas joint.", "Entrada {index}: que llegara. El registro dice que vino un acuse; no se adjunta.", "القيد {index}: أنه وصل. يقول السجل إن إشعارًا ورد، لكنه غير مرفق.";
    NO_ENVELOPE: "Entry {index}: that the sender signed this message. The message is not attached.", "Entrée {index} : que l'expéditeur ait signé ce message. Le message n'est pas joint.", "Entrada {index}: que el remitente firmara este mensaje. El mensaje no se adjunta.", "القيد {index}: أن المرسل وقّع هذه الرسالة. الرسالة غير مرفقة.";
    NO_LATER: "Entry {index}: that the partner signed for reading or erasing. The log says so; the signature is not attached.", "Entrée {index} : que le partenaire ait signé la lecture ou l'effacement. Le journal le dit ; la signature n'est pas jointe.", "Entrada {index}: que el socio firmara la lectura o el borrado. El registro lo dice; la firma no se adjunta.", "القيد {index}: أن الشريك وقّع على القراءة أو المحو. السجل يقول ذلك، والتوقيع غير مرفق.";
    KEY_DISTRUSTED: "Entry {index}: what {party} signed for it. Its own root does not trust that key, and the entry is not from before.", "Entrée {index} : ce que {party} a signé à ce sujet. Sa propre racine ne se fie plus à cette clé, et l'entrée n'est pas antérieure.", "Entrada {index}: lo que {party} firmó sobre ella. Su propia raíz no confía en esa clave, y la entrada no es anterior.", "القيد {index}: ما وقّعه {party} بشأنه. جذره نفسه لا يثق بذلك المفتاح، والقيد ليس سابقًا.";
    SUCCESSOR: "That {origin} rightly goes on from the log before it: no manifest of its party names it. Partners countersign it once two of their people accept it.", "Que {origin} continue à bon droit le journal précédent : aucun manifeste de sa partie ne le nomme. Les partenaires le contresignent une fois que deux de leurs agents l'acceptent.", "Que {origin} continúe con derecho el registro anterior: ningún manifiesto de su parte lo nombra. Los socios lo refrendan cuando dos de su personal lo aceptan.", "أن {origin} يواصل بحق السجل السابق له: لا يذكره أي بيان من طرفه. ويوقّع عليه الشركاء بعد أن يقبله شخصان منهم.";
    NO_ERASURE: "That {partner} erased report {report}, which was recalled: it has not signed for that.", "Que {partner} ait effacé le rapport {report}, qui a été rappelé : il ne l'a pas signé.", "Que {partner} borrara el informe {report}, que se retiró: no lo ha firmado.", "أن {partner} محا التقرير {report} الذي سُحب: لم يوقّع على ذلك.";
    CLOSED: "What {count} further entries commit to: the contents are not shown.", "Ce que {count} autres entrées engagent : les contenus ne sont pas montrés.", "Lo que otras {count} entradas comprometen: los contenidos no se muestran.", "ما تلتزم به {count} قيود أخرى: المحتويات غير معروضة.";
    ALWAYS: "Never proven by any log: that what was logged is true, that clocks were right, that nothing happened without being logged.", "Jamais prouvé par un journal : que ce qui est consigné soit vrai, que les horloges fussent justes, que rien ne se soit passé sans être consigné.", "Nunca lo prueba un registro: que lo registrado sea cierto, que los relojes fueran exactos, que nada ocurriera sin registrarse.", "ما لا يثبته أي سجل: أن ما سُجّل صحيح، وأن الساعات كانت مضبوطة، وأن شيئًا لم يحدث دون تسجيل.";
}

/// Fills the places of a sentence.
pub(super) fn fill(sentence: &str, values: &[(&str, &dyn core::fmt::Display)]) -> String {
    let mut text = sentence.to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), &value.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn every_sentence_has_the_same_places_in_four_languages() {
        for sentence in ALL {
            for text in [sentence.ar, sentence.es, sentence.fr] {
                assert_eq!(places(text), places(sentence.en), "{text}");
                assert!(!text.trim().is_empty());
            }
        }
    }

    #[test]
    fn places_are_filled() {
        let text = fill(OUTSIDE_DATES.en, &[("index", &7), ("id", &"ag-1")]);
        assert_eq!(text, "Entry 7: a disclosure outside the dates of agreement ag-1.");
    }
}
