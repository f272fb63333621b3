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
students     | 14 | 25 | 0.38
youngadults  | 25 | 37 | 0.26
parents      | 37 | 57 | 0.24
seniors      | 57 | 80 | 0.12
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
# one kind are alternatives, and one of each kind has to fit: "GB AU students" are the students of
# Britain and of Australia.
HASHTAGS = """
picture    | who                          | hashtags

anything   | everyone                     | instagood 0.03, nofilter 0.03, photooftheday 0.02, fun 0.02, friends 0.02
anything   | students youngadults parents | tbt 0.15
anything   | seniors                      | tbt 0.05
anything   | women                        | love 0.12, mcm 0.10, happy 0.04, smile 0.03
anything   | men                          | wcw 0.12, love 0.05, legend 0.03, bro 0.03
anything   | students                     | yolo 0.06, school 0.05, lol 0.03, swag 0.03
anything   | students US CA               | college 0.10
anything   | students GB AU NZ            | uni 0.10
anything   | students                     | studentlife 0.04, exams 0.03
anything   | youngadults                  | adulting 0.06, worklife 0.05, weekend 0.03, hustle 0.02
anything   | parents women US CA          | momlife 0.08
anything   | parents women GB AU NZ       | mumlife 0.08
anything   | parents men                  | dadlife 0.12
anything   | parents                      | kids 0.04, tired 0.03
anything   | seniors                      | retired 0.10, grandkids 0.08, memories 0.04, grateful 0.03
anything   | US                           | usa 0.04
anything   | GB                           | uk 0.04
anything   | CA                           | canada 0.07
anything   | AU                           | straya 0.05
anything   | NZ                           | kiwi 0.10
anything   | new-york                     | nyc 0.08
anything   | los-angeles                  | la 0.08
anything   | chicago                      | chicago 0.08
anything   | houston                      | houston 0.08
anything   | seattle                      | seattle 0.08
anything   | denver                       | denver 0.08
anything   | boston                       | boston 0.08
anything   | miami                        | miami 0.08
anything   | london                       | london 0.08
anything   | birmingham                   | brum 0.08
anything   | glasgow                      | glasgow 0.08
anything   | manchester                   | manchester 0.08
anything   | cardiff                      | cardiff 0.08
anything   | toronto                      | the6ix 0.08
anything   | montreal                     | mtl 0.08
anything   | calgary                      | yyc 0.08
anything   | vancouver                    | vancity 0.08
anything   | halifax                      | halifax 0.08
anything   | sydney                       | sydney 0.08
anything   | melbourne                    | melbourne 0.08
anything   | brisbane                     | brisbane 0.08
anything   | perth                        | perth 0.08
anything   | adelaide                     | adelaide 0.08
anything   | auckland                     | auckland 0.08
anything   | christchurch                 | chch 0.08
anything   | wellington                   | welly 0.08

sports     | students                     | gameday 0.53, vibes 0.09
sports     | youngadults                  | selfcare 0.53, fitlife 0.10
sports     | parents                      | proud 0.56, weekendwarrior 0.08
sports     | seniors                      | throwback 0.56, stayactive 0.11
sports     | women                        | strong 0.32
sports     | men                          | crew 0.30
ball       | everyone                     | goal 0.13
ball       | GB                           | football 0.50, matchday 0.09
ball       | US CA                        | soccer 0.50
ball       | sydney brisbane              | nrl 0.39, footy 0.18
ball       | melbourne perth adelaide     | afl 0.39, footy 0.18
ball       | NZ                           | rugby 0.46, allblacks 0.18
ball       | london                       | arsenal 0.14
ball       | manchester                   | mufc 0.18
ball       | los-angeles                  | lagalaxy 0.14
ball       | parents women US CA          | soccermom 0.29
bicycle    | everyone                     | bike 0.15
bicycle    | GB                           | cycling 0.42
bicycle    | US CA                        | biking 0.42
bicycle    | AU NZ                        | pushbike 0.42
bicycle    | denver calgary vancouver     | mtb 0.25
bicycle    | parents men                  | mamil 0.22
skateboard | everyone                     | skate 0.29
skateboard | students                     | kickflip 0.29
skateboard | parents                      | midlifecrisis 0.25
skateboard | los-angeles                  | venicebeach 0.25
skateboard | london                       | southbank 0.22
dumbbell   | everyone                     | gym 0.28, workout 0.08
dumbbell   | men                          | gains 0.29
dumbbell   | women                        | fitspo 0.29
dumbbell   | US CA                        | crossfit 0.22
dumbbell   | AU NZ                        | bootcamp 0.22

food       | students                     | mood 0.49, brokestudent 0.11
food       | youngadults                  | treatyourself 0.56, foodie 0.12
food       | parents                      | squad 0.53, familydinner 0.10
food       | seniors                      | classic 0.56, homemade 0.12
food       | women                        | perfection 0.27
food       | men                          | hungry 0.24
pizza      | everyone                     | pizza 0.28
pizza      | GB                           | takeaway 0.30
pizza      | US CA                        | takeout 0.26
pizza      | AU NZ                        | takeaways 0.30
pizza      | chicago                      | deepdish 0.39
pizza      | new-york                     | nyslice 0.29
fries      | everyone                     | salty 0.10
fries      | US CA                        | fries 0.50
fries      | GB                           | chips 0.42, chippy 0.18
fries      | AU NZ                        | hotchips 0.48
fries      | montreal                     | poutine 0.39
crisps     | everyone                     | snacks 0.14
crisps     | GB                           | crisps 0.50
crisps     | US CA AU NZ                  | chips 0.47
lollipop   | everyone                     | sugarrush 0.13
lollipop   | GB                           | sweets 0.48
lollipop   | US CA                        | candy 0.48
lollipop   | AU NZ                        | lollies 0.48
icecream   | everyone                     | icecream 0.29, summer 0.08
icecream   | GB                           | mrwhippy 0.26
icecream   | US CA                        | froyo 0.26
icecream   | AU                           | gelato 0.26
icecream   | NZ                           | hokeypokey 0.39
cake       | everyone                     | cake 0.17, birthday 0.21
cake       | GB                           | bakeoff 0.27
cake       | US CA                        | cupcakes 0.25
cake       | AU NZ                        | pavlova 0.25
barbecue   | everyone                     | grill 0.10
barbecue   | GB CA                        | bbq 0.44
barbecue   | US                           | cookout 0.44
barbecue   | AU NZ                        | barbie 0.45, snags 0.13
barbecue   | houston                      | brisket 0.25
barbecue   | men                          | grillmaster 0.22

drinks     | students                     | squad 0.53, allnighter 0.09
drinks     | youngadults                  | goals 0.49, tgif 0.12
drinks     | parents                      | selfcare 0.56, metime 0.09
drinks     | seniors                      | gameday 0.56, oldfriends 0.11
drinks     | women                        | crew 0.30
drinks     | men                          | perfection 0.27
coffee     | everyone                     | coffee 0.27
coffee     | US                           | starbucks 0.39
coffee     | CA                           | timhortons 0.42
coffee     | GB                           | cuppa 0.39
coffee     | AU NZ                        | flatwhite 0.44
beer       | everyone                     | beer 0.15
beer       | GB                           | pub 0.42, pint 0.16
beer       | US                           | craftbeer 0.44
beer       | CA                           | patio 0.42
beer       | AU NZ                        | schooner 0.42
soda       | everyone                     | thirsty 0.10
soda       | US                           | soda 0.48
soda       | CA                           | pop 0.48
soda       | GB                           | fizzydrink 0.46
soda       | AU NZ                        | softdrink 0.46

animals    | students                     | selfcare 0.53, missyou 0.08
animals    | youngadults                  | proud 0.56, furbaby 0.10
animals    | parents                      | vibes 0.53, familypet 0.10
animals    | seniors                      | goals 0.56, companion 0.10
animals    | women                        | beauty 0.32
animals    | men                          | strong 0.27
dog        | everyone                     | dog 0.22
dog        | GB                           | walkies 0.41
dog        | US CA                        | dogpark 0.40
dog        | AU NZ                        | pooch 0.40
cat        | everyone                     | cat 0.22
cat        | GB                           | moggy 0.40
cat        | US CA                        | kitty 0.40
cat        | AU NZ                        | pusscat 0.40
jaguar     | everyone                     | jaguar 0.28
jaguar     | women                        | bigcat 0.30
jaguar     | men                          | dreamcar 0.30
jaguar     | GB                           | jag 0.22
jaguar     | US                           | nfl 0.20
jaguar     | AU NZ CA                     | zoo 0.22

transport  | students                     | adventure 0.56, gapyear 0.09
transport  | youngadults                  | mood 0.53, commute 0.11
transport  | parents                      | throwback 0.56, arewethereyet 0.09
transport  | seniors                      | vintage 0.59, proud 0.10
transport  | women                        | adventure 0.22
transport  | men                          | beauty 0.32
car        | everyone                     | cars 0.14
car        | GB                           | motor 0.39
car        | US                           | mustang 0.40
car        | CA                           | wheels 0.30
car        | AU NZ                        | holden 0.42
car        | men                          | carporn 0.20, jaguar 0.09
car        | students                     | learner 0.18
truck      | everyone                     | diesel 0.11
truck      | US CA                        | truck 0.48
truck      | GB                           | lorry 0.48
truck      | AU NZ                        | ute 0.48
truck      | houston denver calgary       | pickup 0.23
train      | everyone                     | train 0.15
train      | london                       | tube 0.50
train      | new-york                     | subway 0.50
train      | chicago                      | cta 0.42
train      | toronto                      | ttc 0.42
train      | montreal                     | metro 0.42
train      | sydney melbourne             | cityloop 0.39
train      | birmingham glasgow manchester cardiff | railway 0.39
train      | los-angeles houston seattle denver boston miami | amtrak 0.29
plane      | everyone                     | travel 0.14
plane      | GB AU NZ                     | holiday 0.44
plane      | US CA                        | vacation 0.44
plane      | london                       | heathrow 0.14
plane      | new-york                     | jfk 0.14
plane      | los-angeles                  | lax 0.19

fashion    | students                     | vintage 0.56, thrifted 0.09
fashion    | youngadults                  | obsessed 0.56, officestyle 0.09
fashion    | parents                      | treatyourself 0.56, sale 0.09
fashion    | seniors                      | vibes 0.53, timeless 0.11
fashion    | women                        | strong 0.27, shopping 0.11
fashion    | men                          | menswear 0.35
sneakers   | everyone                     | nike 0.14
sneakers   | US                           | sneakers 0.48
sneakers   | GB                           | trainers 0.48
sneakers   | CA AU NZ                     | runners 0.45
sneakers   | men                          | sneakerhead 0.18
flipflops  | everyone                     | summer 0.17
flipflops  | US CA GB                     | flipflops 0.45
flipflops  | AU                           | thongs 0.50
flipflops  | NZ                           | jandals 0.50
sunglasses | everyone                     | rayban 0.14, summer 0.08
sunglasses | AU NZ                        | sunnies 0.48
sunglasses | US CA                        | shades 0.45
sunglasses | GB                           | sunglasses 0.42
jumper     | everyone                     | knitwear 0.17
jumper     | GB AU                        | jumper 0.47
jumper     | US CA                        | sweater 0.47
jumper     | NZ                           | jersey 0.47
lipstick   | everyone                     | lipstick 0.17
lipstick   | women                        | makeup 0.41
lipstick   | men                          | giftideas 0.29
lipstick   | US CA                        | sephora 0.26
lipstick   | GB                           | boots 0.26
lipstick   | AU NZ                        | mecca 0.26

leisure    | women                        | cosy 0.13
leisure    | men                          | geek 0.14
book       | everyone                     | reading 0.21
book       | students                     | finals 0.39, library 0.18
book       | youngadults                  | currentlyreading 0.39
book       | parents                      | bedtimestory 0.41
book       | seniors                      | bookclub 0.41
book       | GB                           | waterstones 0.18
book       | US                           | barnesandnoble 0.18
book       | CA AU NZ                     | bookworm 0.18
guitar     | everyone                     | guitar 0.20, music 0.11
guitar     | students                     | openmic 0.30
guitar     | youngadults                  | livemusic 0.30
guitar     | parents                      | dadrock 0.30
guitar     | seniors                      | oldies 0.40
guitar     | GB                           | gig 0.29
guitar     | US CA                        | concert 0.26
guitar     | AU NZ                        | pubgig 0.26
gamepad    | everyone                     | gaming 0.21
gamepad    | students                     | procrastination 0.30
gamepad    | youngadults                  | throwback 0.26
gamepad    | parents                      | screentime 0.38
gamepad    | seniors                      | oldschool 0.38
gamepad    | GB AU NZ                     | fifa 0.29
gamepad    | US                           | madden 0.27
gamepad    | CA                           | nhl 0.29
gamepad    | men                          | gamer 0.14
gamepad    | women                        | gamergirl 0.14
phone      | everyone                     | iphone 0.15
phone      | students                     | selfie 0.38
phone      | youngadults                  | tinder 0.29
phone      | parents                      | facetime 0.30
phone      | seniors                      | skype 0.41
phone      | GB AU NZ                     | mobile 0.26
phone      | US CA                        | cellphone 0.26

outdoors   | students                     | throwback 0.53, freshair 0.08
outdoors   | youngadults                  | vibes 0.53, getoutside 0.09
outdoors   | parents                      | goals 0.56, makingmemories 0.10
outdoors   | seniors                      | selfcare 0.56, simplelife 0.10
outdoors   | women                        | perfection 0.30
outdoors   | men                          | crew 0.27
tree       | everyone                     | leaves 0.15
tree       | GB AU NZ                     | autumn 0.50
tree       | US CA                        | fall 0.50
tree       | women US CA                  | pumpkinspice 0.16
cabin      | everyone                     | getaway 0.13
cabin      | US                           | cabin 0.47
cabin      | GB CA                        | cottage 0.47
cabin      | AU                           | weekender 0.45
cabin      | NZ                           | bach 0.50
tent       | everyone                     | camping 0.22
tent       | US CA                        | smores 0.29
tent       | GB                           | festival 0.38
tent       | AU NZ                        | bush 0.38
flower     | everyone                     | flowers 0.22
flower     | GB AU NZ                     | garden 0.30
flower     | US CA                        | backyard 0.29
flower     | women                        | bouquet 0.13
flower     | men                          | forher 0.17
snowman    | everyone                     | snow 0.20
snowman    | US                           | snowday 0.41
snowman    | GB                           | bobblehat 0.38
snowman    | CA                           | toque 0.42
snowman    | AU NZ                        | skitrip 0.41

scenes     | students                     | proud 0.49, studyabroad 0.09
scenes     | youngadults                  | adventure 0.56, travelgram 0.09
scenes     | parents                      | mood 0.56, makingmemories 0.10
scenes     | seniors                      | obsessed 0.56, slowtravel 0.10
scenes     | women                        | beauty 0.32
scenes     | men                          | perfection 0.27
beach      | everyone                     | beach 0.25
beach      | GB                           | seaside 0.42
beach      | US CA                        | ocean 0.29
beach      | sydney                       | bondi 0.40
beach      | melbourne adelaide           | stkilda 0.27
beach      | brisbane                     | goldcoast 0.40
beach      | perth                        | cottesloe 0.38
beach      | NZ                           | piha 0.39
beach      | los-angeles                  | venicebeach 0.18
beach      | miami                        | southbeach 0.25
sunset     | everyone                     | sunset 0.29, sky 0.10
sunset     | GB                           | redsky 0.26
sunset     | US CA                        | goldenhour 0.26
sunset     | AU NZ                        | arvo 0.27
mountain   | everyone                     | mountains 0.18
mountain   | GB                           | hillwalking 0.42
mountain   | US CA                        | hiking 0.42
mountain   | AU                           | bushwalking 0.42
mountain   | NZ                           | tramping 0.47
mountain   | denver calgary               | rockies 0.25
mountain   | vancouver seattle            | pnw 0.25
skyline    | everyone                     | city 0.14, skyline 0.11
skyline    | new-york                     | manhattan 0.42
skyline    | los-angeles                  | dtla 0.41
skyline    | chicago                      | windycity 0.42
skyline    | houston denver boston miami seattle | downtown 0.30
skyline    | london                       | bigben 0.41
skyline    | birmingham glasgow manchester cardiff | towncentre 0.30
skyline    | toronto                      | cntower 0.42
skyline    | montreal calgary vancouver halifax | downtown 0.29
skyline    | sydney                       | operahouse 0.42
skyline    | melbourne brisbane perth adelaide | cbd 0.40
skyline    | NZ                           | skytower 0.29
fireworks  | everyone                     | fireworks 0.24
fireworks  | US                           | fourthofjuly 0.47
fireworks  | GB                           | bonfirenight 0.48
fireworks  | CA                           | canadaday 0.47
fireworks  | AU NZ                        | nye 0.47
"""
