import { dictionary, type Dictionary, type Translation } from './dictionary';

/**
 * A small dictionary of our own, of everyday words that customers write to a shop: English to German (`de`), Spanish (`es`), French (`fr`) and
 * simplified Chinese (`zh`), so that code switching can be tried without a download.
 *
 * **Limits** 171 words, one or a few translations each, without inflections: it is for examples and tests. For a product take `loadDictionary`.
 * The words are free: CC0-1.0.
 *
 * @example
 * const switched = codeSwitch({ dictionary: demoDictionary(), rate: 0.5 });
 * const objective = sum(crossEntropy(), weighted(5, consistency()));
 * await fit(model, { objective, data: batches(switched(train), { head }), optimizer, seed: 1 });
 */
export function demoDictionary(): Dictionary {
  const rows = WORDS.trim()
    .split('\n')
    .map((line) => line.trim().split(' | '));
  const pairsOf = (column: number): Translation[] =>
    rows.flatMap((row) => row[column]!.split(', ').filter((word) => word !== '-').map((word) => [row[0]!, word] as const)); // prettier-ignore
  return dictionary({ de: pairsOf(1), es: pairsOf(2), fr: pairsOf(3), zh: pairsOf(4) }, ['CC0-1.0']);
}

/** English, German, Spanish, French, Chinese; `-` where a language has no word of its own for it. */
const WORDS = `
a | ein, eine | un, una | un, une | 一个
account | Konto | cuenta | compte | 账户
address | Adresse | dirección | adresse | 地址
after | nach | después | après | 之后
again | wieder, nochmal | otra vez | encore | 再次
all | alle | todos | tous | 全部
and | und | y | et | 和
answer | Antwort | respuesta | réponse | 回答
app | App | aplicación | application | 应用
are | sind | son | sont | 是
ask | fragen | preguntar | demander | 问
back | zurück | de vuelta | retour | 回
bad | schlecht | malo | mauvais | 坏
bank | Bank | banco | banque | 银行
because | weil | porque | parce que | 因为
before | vor, bevor | antes | avant | 之前
big | groß | grande | grand | 大
bill | Rechnung | factura | facture | 账单
bought | gekauft | comprado | acheté | 买了
box | Schachtel, Karton | caja | boîte | 盒子
broken | kaputt | roto | cassé | 坏了
but | aber | pero | mais | 但是
buy | kaufen | comprar | acheter | 买
call | anrufen | llamar | appeler | 打电话
can | kann | puedo | peux | 能
cancel | stornieren, kündigen | cancelar | annuler | 取消
card | Karte | tarjeta | carte | 卡
change | ändern | cambiar | changer | 更改
charge | Abbuchung | cargo | débit | 扣款
charged | abgebucht | cobrado | débité | 扣款
check | prüfen | comprobar | vérifier | 检查
city | Stadt | ciudad | ville | 城市
close | schließen | cerrar | fermer | 关闭
code | Code | código | code | 代码
company | Firma | empresa | entreprise | 公司
confirmation | Bestätigung | confirmación | confirmation | 确认
copy | Kopie | copia | copie | 副本
country | Land | país | pays | 国家
credit | Guthaben | crédito | crédit | 信用
customer | Kunde | cliente | client | 客户
damaged | beschädigt | dañado | abîmé | 损坏
date | Datum | fecha | date | 日期
day | Tag | día | jour | 天
days | Tage | días | jours | 天
delete | löschen | eliminar, borrar | supprimer | 删除
delivered | geliefert | entregado | livré | 送达
delivery | Lieferung | entrega | livraison | 送货
device | Gerät | dispositivo | appareil | 设备
different | anders | diferente | différent | 不同
discount | Rabatt | descuento | remise | 折扣
door | Tür | puerta | porte | 门
driver | Fahrer | conductor | chauffeur | 司机
email | E-Mail | correo | e-mail | 邮件
error | Fehler | error | erreur | 错误
everything | alles | todo | tout | 一切
fee | Gebühr | tarifa | frais | 费用
find | finden | encontrar | trouver | 找到
first | erste | primero | premier | 第一
for | für | para | pour | 为
free | kostenlos | gratis | gratuit | 免费
friend | Freund | amigo | ami | 朋友
from | von | de | de | 从
get | bekommen | recibir | recevoir | 得到
gift | Geschenk | regalo | cadeau | 礼物
give | geben | dar | donner | 给
good | gut | bueno | bon | 好
has | hat | tiene | a | 有
have | haben, habe | tengo | ai | 有
hello | hallo | hola | bonjour | 你好
help | Hilfe, helfen | ayuda | aide | 帮助
here | hier | aquí | ici | 这里
home | Zuhause | casa | maison | 家
hours | Stunden | horas | heures | 小时
house | Haus | casa | maison | 房子
how | wie | cómo | comment | 怎么
i | ich | yo | je | 我
if | wenn | si | si | 如果
in | in | en | dans | 在
invoice | Rechnung | factura | facture | 发票
is | ist | es, está | est | 是
it | es | lo | il | 它
item | Artikel | artículo | article | 商品
keep | behalten | guardar | garder | 保留
know | wissen, weiß | saber | savoir | 知道
last | letzte | último | dernier | 最后
late | spät | tarde | tard | 晚
letter | Brief | carta | lettre | 信
link | Link | enlace | lien | 链接
list | Liste | lista | liste | 清单
login | Anmeldung | inicio de sesión | connexion | 登录
long | lange | largo | long | 长
lost | verloren | perdido | perdu | 丢失
message | Nachricht | mensaje | message | 消息
missing | fehlt | falta | manque | 缺少
mistake | Fehler | error | erreur | 错误
money | Geld | dinero | argent | 钱
month | Monat | mes | mois | 月
morning | Morgen | mañana | matin | 早上
my | mein, meine | mi | mon, ma | 我的
name | Name | nombre | nom | 名字
need | brauche | necesito | besoin | 需要
never | nie | nunca | jamais | 从未
new | neu | nuevo | nouveau | 新
no | nein, kein | no | non | 不
not | nicht | no | pas | 不
nothing | nichts | nada | rien | 什么都没有
now | jetzt | ahora | maintenant | 现在
number | Nummer | número | numéro | 号码
old | alt | viejo | vieux | 旧
on | auf | en | sur | 在
open | öffnen | abrir | ouvrir | 打开
or | oder | o | ou | 或者
order | Bestellung | pedido | commande | 订单
package | Paket | paquete | colis | 包裹
page | Seite | página | page | 页面
paid | bezahlt | pagado | payé | 付了
parcel | Paket | paquete | colis | 包裹
password | Passwort | contraseña | mot de passe | 密码
pay | bezahlen, zahlen | pagar | payer | 付款
payment | Zahlung | pago | paiement | 付款
phone | Telefon, Handy | teléfono | téléphone | 电话
please | bitte | por favor | s'il vous plaît | 请
price | Preis | precio | prix | 价格
problem | Problem | problema | problème | 问题
question | Frage | pregunta | question | 问题
receipt | Quittung, Beleg | recibo | reçu | 收据
refund | Rückerstattung | reembolso | remboursement | 退款
remove | entfernen | quitar | retirer | 移除
replace | ersetzen | reemplazar | remplacer | 更换
return | zurückgeben | devolver | retourner | 退货
screen | Bildschirm | pantalla | écran | 屏幕
send | schicken, senden | enviar | envoyer | 发送
sent | geschickt | enviado | envoyé | 已发送
settings | Einstellungen | ajustes | paramètres | 设置
shop | Laden, Geschäft | tienda | magasin | 商店
small | klein | pequeño | petit | 小
sorry | Entschuldigung | perdón | pardon | 抱歉
start | starten | empezar | démarrer | 开始
still | noch | todavía | toujours | 仍然
stop | anhalten | parar | arrêter | 停止
street | Straße | calle | rue | 街道
subscription | Abo | suscripción | abonnement | 订阅
thanks | danke | gracias | merci | 谢谢
the | der, die, das | el, la | le, la | -
this | dieser, diese | este, esta | ce, cette | 这个
three | drei | tres | trois | 三
time | Zeit | tiempo | temps | 时间
to | zu | a | à | 到
today | heute | hoy | aujourd'hui | 今天
tomorrow | morgen | mañana | demain | 明天
twice | zweimal | dos veces | deux fois | 两次
two | zwei | dos | deux | 两个
update | Aktualisierung | actualización | mise à jour | 更新
use | benutzen | usar | utiliser | 使用
wait | warten | esperar | attendre | 等
want | will, möchte | quiero | veux | 想要
was | war | era, fue | était | 是
week | Woche | semana | semaine | 周
what | was | qué | quoi | 什么
when | wann | cuándo | quand | 什么时候
where | wo | dónde | où | 哪里
which | welche | cuál | quel | 哪个
who | wer | quién | qui | 谁
why | warum | por qué | pourquoi | 为什么
with | mit | con | avec | 和
without | ohne | sin | sans | 没有
wrong | falsch | equivocado | faux | 错
yes | ja | sí | oui | 是的
yesterday | gestern | ayer | hier | 昨天
you | Sie, du | usted | vous | 你
your | Ihr, dein | su | votre | 你的
`;
