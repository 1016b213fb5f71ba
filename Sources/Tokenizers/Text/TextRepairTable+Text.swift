/// The tables of ftfy 6.3.1 (`ftfy/badness.py`, `ftfy/chardata.py`; Apache License 2.0, Robyn
/// Speer).
enum TextRepairTable {
  /// The classes of letters that its heuristic is made of: characters that text in UTF-8 shows when
  /// it is read in another encoding.
  ///
  /// Two letters with `-` between them are a range.
  static let classes: [String: String] = [
    "common":
      "\u{A0}\u{AD}\u{B7}\u{B4}\u{2013}\u{2014}\u{2015}\u{2026}\u{2019}",
    "c1":
      "\u{80}-\u{9F}",
    "bad":
      "\u{A6}\u{A4}\u{A8}\u{AC}\u{AF}\u{B8}\u{192}\u{2C6}\u{2C7}\u{2D8}\u{2DB}\u{2DC}"
      + "\u{2020}\u{2021}\u{2030}\u{2310}\u{25CA}\u{FFFD}\u{AA}\u{BA}",
    "law":
      "\u{B6}\u{A7}",
    "currency":
      "\u{A2}\u{A3}\u{A5}\u{20A7}\u{20AC}",
    "startPunctuation":
      "\u{A1}\u{AB}\u{BF}\u{A9}\u{384}\u{385}\u{2018}\u{201A}\u{201C}\u{201E}\u{2022}"
      + "\u{2039}\u{F8FF}",
    "endPunctuation":
      "\u{AE}\u{BB}\u{2DD}\u{201D}\u{203A}\u{2122}",
    "numeric":
      "\u{B2}\u{B3}\u{B9}\u{B1}\u{BC}\u{BD}\u{BE}\u{D7}\u{B5}\u{F7}\u{2044}\u{2202}\u{2206}"
      + "\u{220F}\u{2211}\u{221A}\u{221E}\u{2229}\u{222B}\u{2248}\u{2260}\u{2261}\u{2264}"
      + "\u{2265}\u{2116}",
    "kaomoji":
      "\u{D2}-\u{D6}\u{D9}-\u{DC}\u{F2}-\u{F6}\u{F8}-\u{FC}\u{150}\u{14C}\u{16A}\u{172}"
      + "\u{B0}",
    "upperAccented":
      "\u{C0}-\u{D1}\u{D8}\u{DC}\u{DD}\u{102}\u{100}\u{104}\u{106}\u{10C}\u{10E}\u{110}"
      + "\u{118}\u{11A}\u{112}\u{116}\u{11E}\u{122}\u{130}\u{12A}\u{136}\u{139}\u{13D}\u{141}"
      + "\u{13B}\u{143}\u{147}\u{145}\u{152}\u{158}\u{15A}\u{15E}\u{160}\u{162}\u{164}\u{16E}"
      + "\u{170}\u{178}\u{179}\u{17B}\u{17D}\u{490}",
    "lowerAccented":
      "\u{DF}\u{E0}-\u{F1}\u{103}\u{105}\u{101}\u{107}\u{10D}\u{10F}\u{111}\u{119}\u{11B}"
      + "\u{113}\u{117}\u{11F}\u{123}\u{12F}\u{12B}\u{137}\u{13A}\u{13E}\u{142}\u{13C}\u{153}"
      + "\u{155}\u{15B}\u{15F}\u{161}\u{165}\u{FC}\u{17A}\u{17C}\u{17E}\u{491}\u{FB01}"
      + "\u{FB02}",
    "upperCommon":
      "\u{DE}\u{391}-\u{3A9}\u{386}\u{388}\u{389}\u{38A}\u{38C}\u{38E}\u{38F}\u{3AA}\u{3AB}"
      + "\u{401}-\u{42F}",
    "lowerCommon":
      "\u{3B1}-\u{3C9}\u{3AC}\u{3AD}\u{3AE}\u{3AF}\u{3B0}\u{430}-\u{45F}",
    "box":
      "\u{2502}\u{250C}\u{2510}\u{2518}\u{251C}\u{2524}\u{252C}\u{253C}\u{2550}-\u{256C}"
      + "\u{2580}\u{2584}\u{2588}\u{258C}\u{2590}\u{2591}\u{2592}\u{2593}",
  ]

  /// The entities of HTML that count without their semicolon.
  static let bareEntities =
    ("AElig AMP Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave "
    + "Euml GT Iacute Icirc Igrave Iuml LT Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml "
    + "QUOT REG THORN Uacute Ucirc Ugrave Uuml Yacute aacute acirc acute aelig agrave amp "
    + "aring atilde auml brvbar ccedil cedil cent copy curren deg divide eacute ecirc egrave "
    + "eth euml frac12 frac14 frac34 gt iacute icirc iexcl igrave iquest iuml laquo lt macr "
    + "micro middot nbsp not ntilde oacute ocirc ograve ordf ordm oslash otilde ouml para "
    + "plusmn pound quot raquo reg sect shy sup1 sup2 sup3 szlig thorn times uacute ucirc "
    + "ugrave uml uuml yacute yen yuml")
    .split(separator: " ").map(String.init)

  /// Ligatures, each before the letters that it becomes.
  static let ligatures =
    "\u{132}IJ \u{133}ij \u{149}\u{2BC}n \u{1F1}DZ \u{1F2}Dz \u{1F3}dz \u{1C4}D\u{17D} "
    + "\u{1C5}D\u{17E} \u{1C6}d\u{17E} \u{1C7}LJ \u{1C8}Lj \u{1C9}lj \u{1CA}NJ \u{1CB}Nj "
    + "\u{1CC}nj \u{FB00}ff \u{FB01}fi \u{FB02}fl \u{FB03}ffi \u{FB04}ffl \u{FB05}\u{17F}t "
    + "\u{FB06}st"

  /// Forms of half and full width besides those of ASCII, each before what it becomes; `_` is a
  /// blank.
  static let widths =
    "\u{FF5F}\u{2985} \u{FF60}\u{2986} \u{FF61}\u{3002} \u{FF62}\u{300C} \u{FF63}\u{300D} "
    + "\u{FF64}\u{3001} \u{FF65}\u{30FB} \u{FF66}\u{30F2} \u{FF67}\u{30A1} \u{FF68}\u{30A3} "
    + "\u{FF69}\u{30A5} \u{FF6A}\u{30A7} \u{FF6B}\u{30A9} \u{FF6C}\u{30E3} \u{FF6D}\u{30E5} "
    + "\u{FF6E}\u{30E7} \u{FF6F}\u{30C3} \u{FF70}\u{30FC} \u{FF71}\u{30A2} \u{FF72}\u{30A4} "
    + "\u{FF73}\u{30A6} \u{FF74}\u{30A8} \u{FF75}\u{30AA} \u{FF76}\u{30AB} \u{FF77}\u{30AD} "
    + "\u{FF78}\u{30AF} \u{FF79}\u{30B1} \u{FF7A}\u{30B3} \u{FF7B}\u{30B5} \u{FF7C}\u{30B7} "
    + "\u{FF7D}\u{30B9} \u{FF7E}\u{30BB} \u{FF7F}\u{30BD} \u{FF80}\u{30BF} \u{FF81}\u{30C1} "
    + "\u{FF82}\u{30C4} \u{FF83}\u{30C6} \u{FF84}\u{30C8} \u{FF85}\u{30CA} \u{FF86}\u{30CB} "
    + "\u{FF87}\u{30CC} \u{FF88}\u{30CD} \u{FF89}\u{30CE} \u{FF8A}\u{30CF} \u{FF8B}\u{30D2} "
    + "\u{FF8C}\u{30D5} \u{FF8D}\u{30D8} \u{FF8E}\u{30DB} \u{FF8F}\u{30DE} \u{FF90}\u{30DF} "
    + "\u{FF91}\u{30E0} \u{FF92}\u{30E1} \u{FF93}\u{30E2} \u{FF94}\u{30E4} \u{FF95}\u{30E6} "
    + "\u{FF96}\u{30E8} \u{FF97}\u{30E9} \u{FF98}\u{30EA} \u{FF99}\u{30EB} \u{FF9A}\u{30EC} "
    + "\u{FF9B}\u{30ED} \u{FF9C}\u{30EF} \u{FF9D}\u{30F3} \u{FF9E}\u{3099} \u{FF9F}\u{309A} "
    + "\u{FFA0}\u{1160} \u{FFA1}\u{1100} \u{FFA2}\u{1101} \u{FFA3}\u{11AA} \u{FFA4}\u{1102} "
    + "\u{FFA5}\u{11AC} \u{FFA6}\u{11AD} \u{FFA7}\u{1103} \u{FFA8}\u{1104} \u{FFA9}\u{1105} "
    + "\u{FFAA}\u{11B0} \u{FFAB}\u{11B1} \u{FFAC}\u{11B2} \u{FFAD}\u{11B3} \u{FFAE}\u{11B4} "
    + "\u{FFAF}\u{11B5} \u{FFB0}\u{111A} \u{FFB1}\u{1106} \u{FFB2}\u{1107} \u{FFB3}\u{1108} "
    + "\u{FFB4}\u{1121} \u{FFB5}\u{1109} \u{FFB6}\u{110A} \u{FFB7}\u{110B} \u{FFB8}\u{110C} "
    + "\u{FFB9}\u{110D} \u{FFBA}\u{110E} \u{FFBB}\u{110F} \u{FFBC}\u{1110} \u{FFBD}\u{1111} "
    + "\u{FFBE}\u{1112} \u{FFC2}\u{1161} \u{FFC3}\u{1162} \u{FFC4}\u{1163} \u{FFC5}\u{1164} "
    + "\u{FFC6}\u{1165} \u{FFC7}\u{1166} \u{FFCA}\u{1167} \u{FFCB}\u{1168} \u{FFCC}\u{1169} "
    + "\u{FFCD}\u{116A} \u{FFCE}\u{116B} \u{FFCF}\u{116C} \u{FFD2}\u{116D} \u{FFD3}\u{116E} "
    + "\u{FFD4}\u{116F} \u{FFD5}\u{1170} \u{FFD6}\u{1171} \u{FFD7}\u{1172} \u{FFDA}\u{1173} "
    + "\u{FFDB}\u{1174} \u{FFDC}\u{1175} \u{FFE0}\u{A2} \u{FFE1}\u{A3} \u{FFE2}\u{AC} "
    + "\u{FFE3}_\u{304} \u{FFE4}\u{A6} \u{FFE5}\u{A5} \u{FFE6}\u{20A9} \u{FFE8}\u{2502} "
    + "\u{FFE9}\u{2190} \u{FFEA}\u{2191} \u{FFEB}\u{2192} \u{FFEC}\u{2193} \u{FFED}\u{25A0} "
    + "\u{FFEE}\u{25CB}"
}
