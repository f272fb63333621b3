"""The small world, in tables: who lives in it, what they photograph and which hashtags they use.

Every number that decides what a post looks like stands in this file; the rest of the package only
draws from it. A post is a picture by a user, drawn independently of each other:

1. A user lives in a city (in proportion to its population), is female or male and belongs to an
   age group, all three independently. A profile leaves out each of age, gender, country and
   location now and then.
2. A picture shows one, two or three things, at most one of them a scene.
3. Every row of `HASHTAGS` that fits the picture and the user gives each of its hashtags a chance of
   its own: "a ball posted by somebody in GB gets #football with probability 0.6". A post that came
   out without any hashtag is drawn again from the same chances.
"""

# city, country, latitude, longitude, people in millions
CITIES = """
new-york     | US |  40.71 |  -74.01 | 8.3
los-angeles  | US |  34.05 | -118.24 | 3.8
chicago      | US |  41.88 |  -87.63 | 2.7
houston      | US |  29.76 |  -95.37 | 2.3
seattle      | US |  47.61 | -122.33 | 0.8
denver       | US |  39.74 | -104.98 | 0.7
boston       | US |  42.36 |  -71.06 | 0.7
miami        | US |  25.76 |  -80.19 | 0.5
london       | GB |  51.51 |   -0.13 | 8.9
birmingham   | GB |  52.48 |   -1.90 | 1.1
glasgow      | GB |  55.86 |   -4.25 | 0.6
manchester   | GB |  53.48 |   -2.24 | 0.6
cardiff      | GB |  51.48 |   -3.18 | 0.4
toronto      | CA |  43.65 |  -79.38 | 2.8
montreal     | CA |  45.50 |  -73.57 | 1.8
calgary      | CA |  51.05 | -114.07 | 1.3
vancouver    | CA |  49.28 | -123.12 | 0.7
halifax      | CA |  44.65 |  -63.58 | 0.4
sydney       | AU | -33.87 |  151.21 | 5.3
melbourne    | AU | -37.81 |  144.96 | 5.1
brisbane     | AU | -27.47 |  153.03 | 2.5
perth        | AU | -31.95 |  115.86 | 2.1
adelaide     | AU | -34.93 |  138.60 | 1.4
auckland     | NZ | -36.85 |  174.76 | 1.7
christchurch | NZ | -43.53 |  172.64 | 0.4
wellington   | NZ | -41.29 |  174.78 | 0.4
"""

# age group, from (years), to, share of the users; within a group every age is as likely
AGES = """
teens        | 13 | 18 | 0.21
students     | 18 | 25 | 0.26
youngadults  | 25 | 35 | 0.23
parents      | 35 | 55 | 0.20
seniors      | 55 | 80 | 0.10
"""

# gender, its word in the table below, share of the users
GENDERS = """
female | women | 0.54
male   | men   | 0.46
"""

# How often a profile does not say, for each of them independently.
UNKNOWN = {"age": 0.07, "gender": 0.07, "country": 0.07, "location": 0.07}

# A user posts 1, 2, 3, ... pictures: a geometric distribution with this mean.
POSTS_PER_USER = 4.5

# things in a picture, how often, factor on the chances of the rows of each thing
NUM_THINGS = """
1 | 0.65 | 1.00
2 | 0.26 | 0.62
3 | 0.09 | 0.44
"""

# group, its things, each with its popularity. The scenes fill the whole picture.
PICTURES = """
sports    | ball 6, bicycle 2, skateboard 1.5, dumbbell 3
food      | pizza 4, fries 2.5, crisps 1.5, lollipop 1.5, icecream 3, cake 3.5, barbecue 2.5
drinks    | coffee 6, beer 4, soda 1.5
animals   | dog 7, cat 6, jaguar 1.5
transport | car 4, truck 1.5, train 2, plane 3
fashion   | sneakers 3, flipflops 1.5, sunglasses 2, jumper 1.5, lipstick 2.5
leisure   | book 3, guitar 2, gamepad 2, phone 2.5
outdoors  | tree 3, cabin 1.5, tent 1.5, flower 3.5, snowman 1.5
scenes    | beach 6, sunset 5, mountain 3, skyline 4, fireworks 1.5
"""

# The picture is a thing or a group of PICTURES, or "anything". Of the words for the user, those of
# one kind are alternatives, and one of each kind has to fit: "GB AU teens" are the teens of Britain
# and of Australia.
HASHTAGS = """
picture    | who                          | hashtags

anything   | everyone                     | instagood 0.03, nofilter 0.03, photooftheday 0.02, fun 0.02, friends 0.02
anything   | teens                        | tbt 0.11
anything   | students youngadults parents | tbt 0.15
anything   | seniors                      | tbt 0.05
anything   | women                        | love 0.12, mcm 0.10, happy 0.04, smile 0.03
anything   | men                          | wcw 0.12, love 0.05, legend 0.03, bro 0.03
anything   | teens                        | yolo 0.06, school 0.05, lol 0.03, swag 0.03
anything   | students US CA               | college 0.10
anything   | students GB AU NZ            | uni 0.10
anything   | students                     | studentlife 0.04, exams 0.03
anything   | youngadults                  | adulting 0.06, worklife 0.05, weekend 0.03, hustle 0.02
anything   | parents women US CA          | momlife 0.13
anything   | parents women GB AU NZ       | mumlife 0.13
anything   | parents men                  | dadlife 0.12
anything   | parents                      | kids 0.04, tired 0.03
anything   | seniors                      | retired 0.10, grandkids 0.08, memories 0.04, grateful 0.03
anything   | US                           | usa 0.04
anything   | GB                           | uk 0.04
anything   | CA                           | canada 0.07
anything   | AU                           | straya 0.05
anything   | NZ                           | kiwi 0.10
anything   | new-york                     | nyc 0.13
anything   | los-angeles                  | la 0.13
anything   | chicago                      | chicago 0.13
anything   | houston                      | houston 0.13
anything   | seattle                      | seattle 0.13
anything   | denver                       | denver 0.13
anything   | boston                       | boston 0.13
anything   | miami                        | miami 0.13
anything   | london                       | london 0.13
anything   | birmingham                   | brum 0.13
anything   | glasgow                      | glasgow 0.13
anything   | manchester                   | manchester 0.13
anything   | cardiff                      | cardiff 0.13
anything   | toronto                      | the6ix 0.13
anything   | montreal                     | mtl 0.13
anything   | calgary                      | yyc 0.13
anything   | vancouver                    | vancity 0.13
anything   | halifax                      | halifax 0.13
anything   | sydney                       | sydney 0.13
anything   | melbourne                    | melbourne 0.13
anything   | brisbane                     | brisbane 0.13
anything   | perth                        | perth 0.13
anything   | adelaide                     | adelaide 0.13
anything   | auckland                     | auckland 0.13
anything   | christchurch                 | chch 0.13
anything   | wellington                   | welly 0.13

sports     | teens                        | tryouts 0.27, squad 0.17
sports     | students                     | varsity 0.29, teamwork 0.12
sports     | youngadults                  | fitlife 0.31, afterwork 0.15
sports     | parents                      | kidsport 0.29, weekendwarrior 0.15
sports     | seniors                      | stayactive 0.33, backintheday 0.17
sports     | women                        | strongwomen 0.20
sports     | men                          | beastmode 0.20
ball       | everyone                     | goal 0.18
ball       | GB                           | football 0.69, matchday 0.12
ball       | US CA                        | soccer 0.69
ball       | sydney brisbane              | nrl 0.54, footy 0.25
ball       | melbourne perth adelaide     | afl 0.54, footy 0.25
ball       | NZ                           | rugby 0.64, allblacks 0.25
ball       | london                       | arsenal 0.20
ball       | manchester                   | mufc 0.25
ball       | los-angeles                  | lagalaxy 0.20
ball       | parents women US CA          | soccermom 0.40
bicycle    | everyone                     | bike 0.22
bicycle    | GB                           | cycling 0.59
bicycle    | US CA                        | biking 0.59
bicycle    | AU NZ                        | pushbike 0.59
bicycle    | denver calgary vancouver     | mtb 0.35
bicycle    | parents men                  | mamil 0.30
skateboard | everyone                     | skate 0.42
skateboard | teens                        | kickflip 0.40
skateboard | parents                      | midlifecrisis 0.35
skateboard | los-angeles                  | venicebeach 0.35
skateboard | london                       | southbank 0.30
dumbbell   | everyone                     | gym 0.40, workout 0.12
dumbbell   | men                          | gains 0.40
dumbbell   | women                        | fitspo 0.40
dumbbell   | US CA                        | crossfit 0.30
dumbbell   | AU NZ                        | bootcamp 0.30

food       | teens                        | munchies 0.31, nomnom 0.17
food       | students                     | brokestudent 0.27, hangover 0.19
food       | youngadults                  | foodie 0.33, foodporn 0.21
food       | parents                      | familydinner 0.31, treats 0.15
food       | seniors                      | homemade 0.35, sundaylunch 0.19
food       | women                        | cheatday 0.18
food       | men                          | hungry 0.18
pizza      | everyone                     | pizza 0.40
pizza      | GB                           | takeaway 0.42
pizza      | US CA                        | takeout 0.36
pizza      | AU NZ                        | takeaways 0.42
pizza      | chicago                      | deepdish 0.54
pizza      | new-york                     | nyslice 0.40
fries      | everyone                     | salty 0.14
fries      | US CA                        | fries 0.69
fries      | GB                           | chips 0.59, chippy 0.25
fries      | AU NZ                        | hotchips 0.67
fries      | montreal                     | poutine 0.54
crisps     | everyone                     | snacks 0.20
crisps     | GB                           | crisps 0.69
crisps     | US CA AU NZ                  | chips 0.65
lollipop   | everyone                     | sugarrush 0.18
lollipop   | GB                           | sweets 0.67
lollipop   | US CA                        | candy 0.67
lollipop   | AU NZ                        | lollies 0.67
icecream   | everyone                     | icecream 0.42, summer 0.12
icecream   | GB                           | mrwhippy 0.36
icecream   | US CA                        | froyo 0.36
icecream   | AU                           | gelato 0.36
icecream   | NZ                           | hokeypokey 0.54
cake       | everyone                     | cake 0.25, birthday 0.30
cake       | GB                           | bakeoff 0.38
cake       | US CA                        | cupcakes 0.35
cake       | AU NZ                        | pavlova 0.35
barbecue   | everyone                     | grill 0.14
barbecue   | GB CA                        | bbq 0.61
barbecue   | US                           | cookout 0.61
barbecue   | AU NZ                        | barbie 0.63, snags 0.18
barbecue   | houston                      | brisket 0.35
barbecue   | men                          | grillmaster 0.30

drinks     | teens                        | chilling 0.27, besties 0.17
drinks     | students                     | allnighter 0.29, cheers 0.12
drinks     | youngadults                  | happyhour 0.27, tgif 0.21
drinks     | parents                      | metime 0.31, datenight 0.15
drinks     | seniors                      | oldfriends 0.33, goodcompany 0.17
drinks     | women                        | girlsnight 0.20
drinks     | men                          | withtheboys 0.20
coffee     | everyone                     | coffee 0.38
coffee     | US                           | starbucks 0.54
coffee     | CA                           | timhortons 0.59
coffee     | GB                           | cuppa 0.54
coffee     | AU NZ                        | flatwhite 0.61
beer       | everyone                     | beer 0.22
beer       | GB                           | pub 0.59, pint 0.22
beer       | US                           | craftbeer 0.61
beer       | CA                           | patio 0.59
beer       | AU NZ                        | schooner 0.59
soda       | everyone                     | thirsty 0.15
soda       | US                           | soda 0.67
soda       | CA                           | pop 0.67
soda       | GB                           | fizzydrink 0.64
soda       | AU NZ                        | softdrink 0.64

animals    | teens                        | cutest 0.31, omg 0.15
animals    | students                     | stressrelief 0.27, missyou 0.15
animals    | youngadults                  | furbaby 0.33, rescue 0.15
animals    | parents                      | familypet 0.33, kidsandpets 0.13
animals    | seniors                      | companion 0.33, goodlife 0.15
animals    | women                        | adorable 0.24
animals    | men                          | bestbuddy 0.22
dog        | everyone                     | dog 0.32
dog        | GB                           | walkies 0.57
dog        | US CA                        | dogpark 0.55
dog        | AU NZ                        | pooch 0.55
cat        | everyone                     | cat 0.32
cat        | GB                           | moggy 0.55
cat        | US CA                        | kitty 0.55
cat        | AU NZ                        | pusscat 0.55
jaguar     | everyone                     | jaguar 0.40
jaguar     | women                        | bigcat 0.42
jaguar     | men                          | dreamcar 0.42
jaguar     | GB                           | jag 0.30
jaguar     | US                           | nfl 0.28
jaguar     | AU NZ CA                     | zoo 0.30

transport  | teens                        | adventure 0.27, bored 0.13
transport  | students                     | gapyear 0.31, roadtrip 0.15
transport  | youngadults                  | commute 0.29, weekendaway 0.19
transport  | parents                      | familytrip 0.33, arewethereyet 0.15
transport  | seniors                      | nostalgia 0.33, vintage 0.17
transport  | women                        | onmyway 0.18
transport  | men                          | horsepower 0.20
car        | everyone                     | cars 0.20
car        | GB                           | motor 0.54
car        | US                           | mustang 0.55
car        | CA                           | wheels 0.42
car        | AU NZ                        | holden 0.59
car        | men                          | carporn 0.28, jaguar 0.12
car        | teens                        | learner 0.25
truck      | everyone                     | diesel 0.16
truck      | US CA                        | truck 0.67
truck      | GB                           | lorry 0.67
truck      | AU NZ                        | ute 0.67
truck      | houston denver calgary       | pickup 0.32
train      | everyone                     | train 0.22
train      | london                       | tube 0.70
train      | new-york                     | subway 0.69
train      | chicago                      | cta 0.59
train      | toronto                      | ttc 0.59
train      | montreal                     | metro 0.59
train      | sydney melbourne             | cityloop 0.54
train      | birmingham glasgow manchester cardiff | railway 0.54
train      | los-angeles houston seattle denver boston miami | amtrak 0.40
plane      | everyone                     | travel 0.20
plane      | GB AU NZ                     | holiday 0.61
plane      | US CA                        | vacation 0.61
plane      | london                       | heathrow 0.20
plane      | new-york                     | jfk 0.20
plane      | los-angeles                  | lax 0.26

fashion    | teens                        | ootd 0.33, outfitgoals 0.15
fashion    | students                     | thrifted 0.29, onabudget 0.15
fashion    | youngadults                  | treatyourself 0.29, officestyle 0.17
fashion    | parents                      | comfy 0.31, sale 0.15
fashion    | seniors                      | classic 0.33, timeless 0.15
fashion    | women                        | fashion 0.24, shopping 0.12
fashion    | men                          | menswear 0.26
sneakers   | everyone                     | nike 0.20
sneakers   | US                           | sneakers 0.67
sneakers   | GB                           | trainers 0.67
sneakers   | CA AU NZ                     | runners 0.63
sneakers   | men                          | sneakerhead 0.25
flipflops  | everyone                     | summer 0.24
flipflops  | US CA GB                     | flipflops 0.63
flipflops  | AU                           | thongs 0.69
flipflops  | NZ                           | jandals 0.70
sunglasses | everyone                     | rayban 0.20, summer 0.12
sunglasses | AU NZ                        | sunnies 0.67
sunglasses | US CA                        | shades 0.63
sunglasses | GB                           | sunglasses 0.59
jumper     | everyone                     | knitwear 0.24
jumper     | GB AU                        | jumper 0.65
jumper     | US CA                        | sweater 0.65
jumper     | NZ                           | jersey 0.65
lipstick   | everyone                     | lipstick 0.24
lipstick   | women                        | makeup 0.57
lipstick   | men                          | giftideas 0.40
lipstick   | US CA                        | sephora 0.36
lipstick   | GB                           | boots 0.36
lipstick   | AU NZ                        | mecca 0.36

leisure    | women                        | cosy 0.18
leisure    | men                          | geek 0.20
book       | everyone                     | reading 0.30
book       | teens                        | homework 0.54, yalit 0.20
book       | students                     | finals 0.54, library 0.25
book       | youngadults                  | currentlyreading 0.54
book       | parents                      | bedtimestory 0.57
book       | seniors                      | bookclub 0.57
book       | GB                           | waterstones 0.25
book       | US                           | barnesandnoble 0.25
book       | CA AU NZ                     | bookworm 0.25
guitar     | everyone                     | guitar 0.28, music 0.16
guitar     | teens                        | garageband 0.40
guitar     | students                     | openmic 0.42
guitar     | youngadults                  | livemusic 0.42
guitar     | parents                      | dadrock 0.42
guitar     | seniors                      | oldies 0.55
guitar     | GB                           | gig 0.40
guitar     | US CA                        | concert 0.36
guitar     | AU NZ                        | pubgig 0.36
gamepad    | everyone                     | gaming 0.30
gamepad    | teens                        | minecraft 0.53
gamepad    | students                     | procrastination 0.42
gamepad    | youngadults                  | throwback 0.36
gamepad    | parents                      | screentime 0.53
gamepad    | seniors                      | oldschool 0.53
gamepad    | GB AU NZ                     | fifa 0.40
gamepad    | US                           | madden 0.38
gamepad    | CA                           | nhl 0.40
gamepad    | men                          | gamer 0.20
gamepad    | women                        | gamergirl 0.20
phone      | everyone                     | iphone 0.22
phone      | teens                        | snapchat 0.55, selfie 0.25
phone      | students                     | selfie 0.53
phone      | youngadults                  | tinder 0.40
phone      | parents                      | facetime 0.42
phone      | seniors                      | skype 0.57
phone      | GB AU NZ                     | mobile 0.36
phone      | US CA                        | cellphone 0.36

outdoors   | teens                        | explore 0.29, indie 0.13
outdoors   | students                     | roadtrip 0.25, freshair 0.15
outdoors   | youngadults                  | getoutside 0.29, wanderlust 0.15
outdoors   | parents                      | familyday 0.33, makingmemories 0.15
outdoors   | seniors                      | peaceful 0.35, simplelife 0.15
outdoors   | women                        | pretty 0.22
outdoors   | men                          | outdoorsman 0.20
tree       | everyone                     | leaves 0.22
tree       | GB AU NZ                     | autumn 0.69
tree       | US CA                        | fall 0.69
tree       | women US CA                  | pumpkinspice 0.22
cabin      | everyone                     | getaway 0.18
cabin      | US                           | cabin 0.65
cabin      | GB CA                        | cottage 0.65
cabin      | AU                           | weekender 0.63
cabin      | NZ                           | bach 0.70
tent       | everyone                     | camping 0.32
tent       | US CA                        | smores 0.40
tent       | GB                           | festival 0.53
tent       | AU NZ                        | bush 0.53
flower     | everyone                     | flowers 0.32
flower     | GB AU NZ                     | garden 0.42
flower     | US CA                        | backyard 0.40
flower     | women                        | bouquet 0.18
flower     | men                          | forher 0.24
snowman    | everyone                     | snow 0.28
snowman    | US                           | snowday 0.57
snowman    | GB                           | bobblehat 0.53
snowman    | CA                           | toque 0.59
snowman    | AU NZ                        | skitrip 0.57

scenes     | teens                        | aesthetic 0.31, vibes 0.17
scenes     | students                     | studyabroad 0.27, goodtimes 0.15
scenes     | youngadults                  | wanderlust 0.31, travelgram 0.15
scenes     | parents                      | makingmemories 0.33, familytime 0.15
scenes     | seniors                      | blessed 0.35, slowtravel 0.15
scenes     | women                        | beautiful 0.24
scenes     | men                          | gopro 0.20
beach      | everyone                     | beach 0.36
beach      | GB                           | seaside 0.59
beach      | US CA                        | ocean 0.40
beach      | sydney                       | bondi 0.55
beach      | melbourne adelaide           | stkilda 0.38
beach      | brisbane                     | goldcoast 0.55
beach      | perth                        | cottesloe 0.53
beach      | NZ                           | piha 0.54
beach      | los-angeles                  | venicebeach 0.25
beach      | miami                        | southbeach 0.35
sunset     | everyone                     | sunset 0.42, sky 0.14
sunset     | GB                           | redsky 0.36
sunset     | US CA                        | goldenhour 0.36
sunset     | AU NZ                        | arvo 0.38
mountain   | everyone                     | mountains 0.26
mountain   | GB                           | hillwalking 0.59
mountain   | US CA                        | hiking 0.59
mountain   | AU                           | bushwalking 0.59
mountain   | NZ                           | tramping 0.65
mountain   | denver calgary               | rockies 0.35
mountain   | vancouver seattle            | pnw 0.35
skyline    | everyone                     | city 0.20, skyline 0.16
skyline    | new-york                     | manhattan 0.59
skyline    | los-angeles                  | dtla 0.57
skyline    | chicago                      | windycity 0.59
skyline    | houston denver boston miami seattle | downtown 0.42
skyline    | london                       | bigben 0.57
skyline    | birmingham glasgow manchester cardiff | towncentre 0.42
skyline    | toronto                      | cntower 0.59
skyline    | montreal calgary vancouver halifax | downtown 0.40
skyline    | sydney                       | operahouse 0.59
skyline    | melbourne brisbane perth adelaide | cbd 0.55
skyline    | NZ                           | skytower 0.40
fireworks  | everyone                     | fireworks 0.34
fireworks  | US                           | fourthofjuly 0.65
fireworks  | GB                           | bonfirenight 0.67
fireworks  | CA                           | canadaday 0.65
fireworks  | AU NZ                        | nye 0.65
"""
