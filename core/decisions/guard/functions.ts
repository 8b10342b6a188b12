/**
 * Functions that a user's statement may call, in lower case. None reads files, the network, dictionaries,
 * settings or the server's state; none takes another function by its name; none waits or makes values
 * much larger than what it was given.
 */
const aggregates = `count sum avg min max any anylast argmin argmax uniq uniqexact uniqcombined uniqhll12
median quantile quantiles quantileexact quantiletdigest quantiletiming stddevpop stddevsamp varpop varsamp
grouparray groupuniqarray topk corr covarpop covarsamp skewpop kurtpop entropy simplelinearregression
first_value last_value histogram sumwithoverflow deltasum bounding_ratio retention windowfunnel
sequencematch sequencecount`

const scalars = `
abs sqrt exp ln log log2 log10 pow power round floor ceil ceiling trunc sign intdiv intdivorzero modulo
plus minus multiply divide negate greatest least gcd lcm
equals notequals less greater lessorequals greaterorequals and or not xor if multiif ifnull nullif coalesce
isnull isnotnull assumenotnull tonullable iszeroornull isnan isfinite isinfinite
tostring toint8 toint16 toint32 toint64 touint8 touint16 touint32 touint64 tofloat32 tofloat64 tobool
todate todate32 todatetime todatetime64 touuid tofixedstring todecimal64
tofloat64ornull tofloat64orzero toint64ornull toint64orzero touint64ornull touint64orzero todatetimeornull
todate32ornull parsedatetimebesteffort parsedatetimebesteffortornull parsedatetime64besteffort
parsedatetime64besteffortornull
now now64 today yesterday toyear toquarter tomonth todayofyear todayofmonth todayofweek tohour tominute
tosecond tounixtimestamp tounixtimestamp64milli fromunixtimestamp fromunixtimestamp64milli
tostartofyear tostartofquarter tostartofmonth tostartofweek tostartofday tostartofhour tostartofminute
tostartofsecond tostartoffiveminutes tostartoftenminutes tostartoffifteenminutes tostartofinterval
tomonday toyyyymm toyyyymmdd toyyyymmddhhmmss toweek toisoyear toisoweek totimezone datediff date_diff
dateadd date_add datesub date_sub datetrunc date_trunc timeslot formatdatetime age addseconds addminutes
addhours adddays addweeks addmonths addyears subtractseconds subtractminutes subtracthours subtractdays
subtractweeks subtractmonths subtractyears tointervalsecond tointervalminute tointervalhour tointervalday
tointervalweek tointervalmonth tointervalyear uuidv7todatetime
length empty notempty lengthutf8 lower upper lowerutf8 upperutf8 reverse concat concatwithseparator
substring substr substringutf8 left right trim trimleft trimright trimboth position positioncaseinsensitive
positionutf8 locate startswith endswith like notlike ilike match multisearchany countsubstrings
extract extractall splitbychar splitbystring replaceone replaceall replaceregexpone replaceregexpall
format leftpad rightpad base64encode base64decode hex unhex domain path cutquerystring extracturlparameter
formatreadablesize formatreadablequantity formatreadabletimedelta bar
jsonextract jsonextractstring jsonextractint jsonextractuint jsonextractfloat jsonextractbool jsonextractraw
jsonhas jsonlength jsontype jsonextractkeys jsonallpaths jsonallpathswithtypes tojsonstring isvalidjson
array tuple map mapkeys mapvalues mapcontains tupleelement has hasany hasall indexof arrayelement arrayjoin
arraymap arrayfilter arraycount arraysum arrayavg arraymin arraymax arrayexists arrayall arrayfirst
arraylast arraysort arrayreversesort arraydistinct arrayuniq arrayslice arrayconcat arrayflatten
arraystringconcat arrayreverse arrayenumerate arrayzip arrayintersect arraydifference arraycumsum
arraycompact
cityhash64 siphash64 xxhash64 halfmd5
row_number rank dense_rank percent_rank ntile lag lead laginframe leadinframe nth_value
runningdifference dynamictype dynamicelement transform`

const list = (names: string): string[] => names.split(/\s+/).filter((name) => name !== '')

/** Combinators that may follow an aggregate's name. */
const combinators = ['', 'if', 'distinct', 'ornull', 'ordefault', 'distinctif', 'ornullif']

export const functionNames: {
  readonly aggregates: readonly string[]
  readonly scalars: readonly string[]
} = { aggregates: list(aggregates), scalars: list(scalars) }

export const allowedFunctions: ReadonlySet<string> = new Set([
  ...functionNames.scalars,
  ...functionNames.aggregates.flatMap((name) => combinators.map((suffix) => name + suffix)),
])

const plainTypes = `String Bool UUID Date Date32 DateTime JSON Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64
Float32 Float64`

/** Types that need no arguments. */
export const allowedTypes: ReadonlySet<string> = new Set(list(plainTypes))

/** Types with arguments: other types, or numbers and strings. */
export const allowedTypeFunctions: ReadonlySet<string> = new Set(
  list('Nullable LowCardinality Array Map Tuple DateTime DateTime64 FixedString Decimal Decimal64'),
)
